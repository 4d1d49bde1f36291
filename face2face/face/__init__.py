"""A face's 68 landmarks: detected, tracked, smoothed, cropped and drawn.

In: frames. Out: points in pixels of the frame, crop boxes, drawings. May import `sources` and the base
modules.
"""
