import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from pix2pix.fast_layers import BatchNorm, Col2ImConv2DTranspose, Im2ColConv2D

CONV = {"strides": 2, "padding": "same", "bias_initializer": "normal"}


def results(layer: keras.Layer, inputs: tf.Tensor, direction: tf.Tensor, **mode) -> list[np.ndarray]:
    """The outputs, the gradients of inputs and weights in a direction of the outputs, and the statistics."""
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        outputs = layer(inputs, **mode)
    sources = [inputs, *(variable.value for variable in layer.trainable_variables)]
    gradients = tape.gradient(outputs, sources, direction)
    return [each.numpy() for each in (outputs, *gradients, *layer.non_trainable_variables)]


@pytest.mark.parametrize("size", [2, 4, 8])
@pytest.mark.parametrize(
    "fast, plain, mode",
    [
        (Im2ColConv2D(6, 4, **CONV), layers.Conv2D(6, 4, **CONV), {}),
        (Im2ColConv2D(6, 4, use_bias=False, **CONV), layers.Conv2D(6, 4, use_bias=False, **CONV), {}),
        (Col2ImConv2DTranspose(6, 4, **CONV), layers.Conv2DTranspose(6, 4, **CONV), {}),
        (
            Col2ImConv2DTranspose(6, 4, use_bias=False, **CONV),
            layers.Conv2DTranspose(6, 4, use_bias=False, **CONV),
            {},
        ),
        (BatchNorm(epsilon=1e-5), layers.BatchNormalization(epsilon=1e-5), {"training": True}),
        (BatchNorm(epsilon=1e-5), layers.BatchNormalization(epsilon=1e-5), {"training": False}),
    ],
)
def test_a_fast_layer_gives_what_keras_gives(fast, plain, mode, size):
    rng = np.random.default_rng(0)
    inputs = tf.constant(rng.normal(0.5, 2, (2, size, size, 5)), tf.float32)
    fast = fast.__class__.from_config(fast.get_config())
    plain = plain.__class__.from_config(plain.get_config())
    outputs = fast(inputs)
    plain(inputs)
    plain.set_weights(fast.get_weights())
    direction = tf.constant(rng.normal(0, 1, outputs.shape), tf.float32)
    for ours, theirs in zip(*(results(x, inputs, direction, **mode) for x in (fast, plain)), strict=True):
        assert ours == pytest.approx(theirs, rel=1e-4, abs=2e-5)


def test_statistics_in_half_precision_are_float32():
    """A mean of 300 with a deviation of 1 is too fine for the sums of float16 or bfloat16."""
    pictures = np.random.default_rng(0).normal(300, 16, (1, 64, 64, 2)).astype(np.float16)
    layer = BatchNorm(dtype="mixed_float16", momentum=0.0)
    outputs = layer(pictures, training=True)
    assert outputs.dtype == tf.float16
    wide = pictures.astype(np.float32)
    assert layer.moving_mean.numpy() == pytest.approx(wide.mean((0, 1, 2)), rel=1e-4)
    assert layer.moving_variance.numpy() == pytest.approx(wide.var((0, 1, 2)), rel=1e-3)
