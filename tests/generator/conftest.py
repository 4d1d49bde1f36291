"""Loads TensorFlow for the tests of the generator, its exports and its measures."""

from face2face import loading

loading.load_tensorflow()  # the tests would import it with packages for plots, more slowly
