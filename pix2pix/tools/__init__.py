"""Preparing folders of images for the trainer."""
