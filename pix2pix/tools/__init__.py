"""Scripts that make combined pairs of pictures and drawings (process.py) and split them (split.py).

In: folders of images with or without a sidecar. Out: the same in the form that the trainer reads.
"""
