"""Sources of pictures: video files, folders of images, cameras, streams and a browser's camera.

In: what a command line names. Out: frames with their time stamps, uint8 BGR. May import the base modules.
"""
