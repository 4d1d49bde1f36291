"""The web page that shows the live picture and takes the user's commands; any browser can be the camera.

In: pictures, the state, the controls. Out: HTTP. It may import the rest of `output` and all below it.
"""
