"""The outputs of the live loop: window, page, virtual camera, recordings with sound; labels and provenance.

In: uint8 pictures, RGB, with their times, and a `State` to show. Out: pixels, files, and the user's commands
(`controls`). It may import `sources`, `face` and the base modules.
"""
