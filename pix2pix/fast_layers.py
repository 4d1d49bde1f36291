"""Layers with the weights and the results of Keras's own, computed in a faster way.

benchmarks/step_parts.py measures what each gains: 5 to 16 % of a training step.
"""

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf
from keras import layers

from pix2pix.distribution import all_reduce_mean, assign


class BatchNorm(layers.BatchNormalization):
    """Batch normalisation as one fused operation; its statistics are float32 in every precision."""

    def call(self, inputs: tf.Tensor, training: bool | None = None, mask: None = None) -> tf.Tensor:
        """Normalise (N, H, W, C) over all axes but the last; while training, by the batch's statistics."""
        if not training:
            return super().call(inputs, training=False)
        context = tf.distribute.get_replica_context()
        is_distributed = context is not None and context.num_replicas_in_sync > 1
        outputs, mean, variance = (self._on_all_devices if is_distributed else self._on_one_device)(inputs)
        for average, new in ((self.moving_mean, mean), (self.moving_variance, variance)):
            assign(average.value, average * self.momentum + new * (1 - self.momentum))
        return outputs

    def by_batch(self, inputs: tf.Tensor) -> tf.Tensor:
        """Normalise as in training on one device, without a change of the moving averages."""
        return self._on_one_device(inputs)[0]

    def _on_one_device(self, inputs: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """The normalised inputs, and their mean and biased variance, float32 (C,) each."""
        outputs, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
            x=inputs,
            scale=self.gamma,
            offset=self.beta,
            mean=tf.zeros(0),
            variance=tf.zeros(0),
            epsilon=self.epsilon,
            is_training=True,
        )
        values = tf.cast(tf.reduce_prod(tf.shape(inputs)[:-1]), tf.float32)
        # The operation normalises with the biased variance, but returns the unbiased one.
        biased = variance * (values - 1) / values
        return outputs, mean, biased

    def _on_all_devices(self, inputs: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """The same for a batch that is split over several devices."""
        x = tf.cast(inputs, tf.float32)
        mean, square = all_reduce_mean([tf.reduce_mean(x, (0, 1, 2)), tf.reduce_mean(x * x, (0, 1, 2))])
        variance = tf.nn.relu(square - mean * mean)
        outputs = tf.nn.batch_normalization(x, mean, variance, self.beta, self.gamma, self.epsilon)
        return tf.cast(outputs, inputs.dtype), mean, variance


class InstanceNorm(layers.Layer):
    """Instance normalisation: each channel of each picture by its own mean and variance."""

    def __init__(self, epsilon: float, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.epsilon = epsilon

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Make gamma and beta, (C,) each."""
        normal = keras.initializers.RandomNormal(1.0, 0.02)
        self.gamma = self.add_weight(shape=input_shape[-1:], initializer=normal, name="gamma")
        self.beta = self.add_weight(shape=input_shape[-1:], initializer="zeros", name="beta")

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Normalise (N, H, W, C) over height and width."""
        mean, variance = tf.nn.moments(inputs, (1, 2), keepdims=True)
        return tf.nn.batch_normalization(inputs, mean, variance, self.beta, self.gamma, self.epsilon)


@tf.custom_gradient
def im2col_conv(x: tf.Tensor, kernel: tf.Tensor) -> tuple[tf.Tensor, Callable]:
    """A convolution of kernel 4, stride 2 and padding 1 as one matrix product over patches (im2col).

    It is faster on feature maps of few pixels: TensorFlow's convolution spends most of its time there on
    rearranging the weights, which the matrix product reads in their stored order.

    Args:
        x: Feature map, (N, S, S, C).
        kernel: (4, 4, C, F).

    Returns:
        (N, S/2, S/2, F), and its gradient.
    """
    _, height, width, channels = x.shape
    rows, columns, filters = height // 2, width // 2, kernel.shape[-1]
    patches, weights = _patches(x), tf.reshape(kernel, (16 * channels, filters))
    outputs = tf.reshape(tf.matmul(patches, weights), (-1, rows, columns, filters))

    def gradient(upstream: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        upstream = tf.reshape(upstream, (-1, filters))
        of_x = _sum_of_patches(tf.matmul(upstream, weights, transpose_b=True), rows, columns, channels)
        return of_x, tf.reshape(tf.matmul(patches, upstream, transpose_a=True), kernel.shape)

    return outputs, gradient


@tf.custom_gradient
def col2im_conv_transpose(x: tf.Tensor, kernel: tf.Tensor) -> tuple[tf.Tensor, Callable]:
    """The transposed convolution of the same geometry as one matrix product, then a sum (col2im).

    Args:
        x: Feature map, (N, S, S, C).
        kernel: (4, 4, F, C).

    Returns:
        (N, 2S, 2S, F), and its gradient.
    """
    _, rows, columns, channels = x.shape
    filters = kernel.shape[2]
    pixels, weights = tf.reshape(x, (-1, channels)), tf.reshape(kernel, (16 * filters, channels))
    outputs = _sum_of_patches(tf.matmul(pixels, weights, transpose_b=True), rows, columns, filters)

    def gradient(upstream: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        patches = _patches(upstream)
        of_x = tf.reshape(tf.matmul(patches, weights), (-1, rows, columns, channels))
        return of_x, tf.reshape(tf.matmul(patches, pixels, transpose_a=True), kernel.shape)

    return outputs, gradient


def _patches(x: tf.Tensor) -> tf.Tensor:
    """The pixels that each output of a convolution of kernel 4, stride 2 and padding 1 reads.

    Args:
        x: Feature map, (N, 2R, 2C, D).

    Returns:
        (N R C, 16 D), a row for each output.
    """
    _, height, width, channels = x.shape
    rows, columns = height // 2, width // 2
    x = tf.pad(x, [[0, 0], [1, 1], [1, 1], [0, 0]])
    # The padded map in blocks of 2x2 pixels: each output reads 2x2 neighbouring blocks.
    x = tf.reshape(x, (-1, rows + 1, 2, columns + 1, 2, channels))
    x = tf.stack([x[:, :-1], x[:, 1:]], axis=2)  # (N, row, block row, row in block, ...)
    x = tf.stack([x[:, :, :, :, :-1], x[:, :, :, :, 1:]], axis=5)
    patches = tf.transpose(x, (0, 1, 4, 2, 3, 5, 6, 7))
    return tf.reshape(patches, (-1, 16 * channels))


def _sum_of_patches(patches: tf.Tensor, rows: int, columns: int, channels: int) -> tf.Tensor:
    """The adjoint of `_patches`: each pixel is the sum of what the patches have of it.

    Args:
        patches: (N R C, 16 D).
        rows: R.
        columns: C.
        channels: D.

    Returns:
        (N, 2R, 2C, D).
    """
    # Each patch contributes to 2x2 blocks of 2x2 pixels; a block is the sum over four patches.
    x = tf.reshape(patches, (-1, rows, columns, 2, 2, 2, 2, channels))
    x = tf.transpose(x, (0, 3, 1, 4, 5, 2, 6, 7))  # (N, block row, row, row in block, block column, ...)
    x = sum(tf.pad(x[:, i], [[0, 0], [i, 1 - i], *[[0, 0]] * 5]) for i in range(2))
    x = sum(tf.pad(x[:, :, :, i], [[0, 0]] * 3 + [[i, 1 - i], [0, 0], [0, 0]]) for i in range(2))
    return tf.reshape(x, (-1, 2 * rows + 2, 2 * columns + 2, channels))[:, 1:-1, 1:-1]


class Im2ColConv2D(layers.Conv2D):
    """Keras's convolution of kernel 4 and stride 2, computed by `im2col_conv`."""

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """(N, S, S, C) -> (N, S/2, S/2, F)."""
        outputs = im2col_conv(inputs, tf.convert_to_tensor(self.kernel))
        return outputs + self.bias if self.use_bias else outputs


class Col2ImConv2DTranspose(layers.Conv2DTranspose):
    """Keras's transposed convolution of kernel 4 and stride 2, computed by `col2im_conv_transpose`."""

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """(N, S, S, C) -> (N, 2S, 2S, F)."""
        outputs = col2im_conv_transpose(inputs, tf.convert_to_tensor(self.kernel))
        return outputs + self.bias if self.use_bias else outputs
