"""Layers of the norm-free generator: what they compute in training, they compute in inference."""

import math
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from pix2pix.fast_layers import col2im_conv_transpose

_ALONG = np.eye(4, 3) + np.eye(4, 3, -1)  # each of three weights of an axis is added to two of four places
_PLACES = np.kron(_ALONG, _ALONG)


def nearest_kernel(transposed: tf.Tensor) -> tf.Tensor:
    """Make the outputs of a transposed convolution at even and odd places agree where the input is constant.

    Args:
        transposed: A kernel of 4x4 for a stride of 2, float32 (4, 4, F, C).

    Returns:
        The nearest kernel, by least squares, of those that `NearestConv2DTranspose` has.
    """
    onto = tf.constant(_PLACES @ np.linalg.pinv(_PLACES), tf.float32)
    return tf.reshape(onto @ tf.reshape(transposed, (len(_PLACES), -1)), transposed.shape)


class NearestConv2DTranspose(layers.Layer):
    """Nearest-neighbour up-sampling, then a convolution of kernel 3: (N, S, S, C) -> (N, 2S, 2S, F).

    Both in one are a transposed convolution of kernel 4 and stride 2. With free weights, that convolution's
    outputs at even and odd places differ where the input is constant, which is seen as a checkerboard
    (Odena et al., "Deconvolution and Checkerboard Artifacts", Distill, 2016).
    """

    def __init__(
        self, filters: int, im2col_max_side: int, kernel_initializer: keras.Initializer, **kwargs: Any
    ) -> None:
        """Make the layer.

        Args:
            filters: Number of output channels F.
            im2col_max_side: Largest side S of an input that is convolved as a matrix product.
            kernel_initializer: Of the kernel, (3, 3, F, C).
            **kwargs: As in a Keras layer.
        """
        super().__init__(**kwargs)
        self.filters, self._im2col_max_side = filters, im2col_max_side
        self.kernel_initializer = kernel_initializer

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Make the kernel, (3, 3, F, C), and the bias, (F,)."""
        shape = (3, 3, self.filters, input_shape[-1])
        # float32 in every precision: sums of weights lose bits in bfloat16.
        self.kernel = self.add_weight(
            shape=shape, initializer=self.kernel_initializer, autocast=False, name="kernel"
        )
        self.bias = self.add_weight(shape=(self.filters,), initializer="zeros", name="bias")

    def transposed_kernel(self) -> tf.Tensor:
        """The kernel of the transposed convolution that gives the same: float32 (4, 4, F, C)."""
        kernel = tf.reshape(self.kernel.value, (9, -1))
        return tf.reshape(tf.constant(_PLACES, tf.float32) @ kernel, (4, 4, *self.kernel.shape[2:]))

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """(N, S, S, C) -> (N, 2S, 2S, F)."""
        kernel = tf.cast(self.transposed_kernel(), inputs.dtype)
        _, rows, columns, _ = inputs.shape
        if rows <= self._im2col_max_side:
            return col2im_conv_transpose(inputs, kernel) + self.bias
        shape = (tf.shape(inputs)[0], 2 * rows, 2 * columns, self.filters)
        outputs = tf.nn.conv2d_transpose(inputs, kernel, shape, 2, "SAME")
        return tf.ensure_shape(outputs, (None, *shape[1:])) + self.bias


class OpponentToRGB(layers.Layer):
    """Opponent colours, the intensity and two colour differences (N, S, S, 3) -> RGB.

    In pictures the differences are several times smaller than the intensity, and an error in them is seen
    as a stain. They are scaled down, so that they begin smaller and are learned more slowly.
    """

    CHROMA_SCALE = 0.2
    MATRIX = np.float32([[1, 1, 1], [1, 0, -1], [1, -2, 1]]) / np.sqrt(np.float32([[3], [2], [6]]))
    MATRIX *= np.float32([[1], [CHROMA_SCALE], [CHROMA_SCALE]])

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Convert each pixel."""
        return tf.tensordot(inputs, tf.constant(self.MATRIX, inputs.dtype), 1)


def he_deviation(fan_in: int, negative_slope: float = 0.0) -> float:
    """Standard deviation of weights that keep the feature maps' variance (He et al., arXiv 1502.01852).

    Args:
        fan_in: Number of products that are summed to one output.
        negative_slope: Of the leaky ReLU before the convolution.
    """
    return math.sqrt(2 / ((1 + negative_slope**2) * fan_in))
