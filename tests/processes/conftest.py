"""Loads TensorFlow for the tests of several processes."""

from face2face import loading

loading.load_tensorflow()  # the tests would import it with packages for plots, more slowly
