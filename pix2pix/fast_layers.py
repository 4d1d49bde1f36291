"""Layers of Keras's weights and results where TensorFlow has a faster way to compute them."""

import tensorflow as tf
from keras import layers

from pix2pix.distribution import all_reduce_mean, assign


class BatchNorm(layers.BatchNormalization):
    """Batch normalisation over channels as one operation; its statistics are float32 in each precision."""

    def call(self, inputs, training=None, mask=None):
        if not training:
            return super().call(inputs, training=False)
        context = tf.distribute.get_replica_context()
        together = context is not None and context.num_replicas_in_sync > 1
        outputs, mean, variance = (self._of_all_devices if together else self._of_this_device)(inputs)
        for average, new in ((self.moving_mean, mean), (self.moving_variance, variance)):
            assign(average.value, average * self.momentum + new * (1 - self.momentum))
        return outputs

    def _of_this_device(self, inputs: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Normalised inputs, and their mean and variance."""
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
        biased = variance * (values - 1) / values  # it gives the unbiased one, but normalises with this
        return outputs, mean, biased

    def _of_all_devices(self, inputs: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """The same over a batch whose pictures are spread over several devices."""
        x = tf.cast(inputs, tf.float32)
        mean, square = all_reduce_mean([tf.reduce_mean(x, (0, 1, 2)), tf.reduce_mean(x * x, (0, 1, 2))])
        variance = tf.nn.relu(square - mean * mean)
        outputs = tf.nn.batch_normalization(x, mean, variance, self.beta, self.gamma, self.epsilon)
        return tf.cast(outputs, inputs.dtype), mean, variance


class InstanceNorm(layers.Layer):
    """Normalises each map of a picture by its own mean and variance: no statistics of training are needed."""

    def __init__(self, epsilon: float, **kwargs):
        super().__init__(**kwargs)
        self._epsilon = epsilon

    def build(self, input_shape):
        self.gamma = self.add_weight(shape=input_shape[-1:], initializer="ones", name="gamma")
        self.beta = self.add_weight(shape=input_shape[-1:], initializer="zeros", name="beta")

    def call(self, inputs):
        mean, variance = tf.nn.moments(inputs, (1, 2), keepdims=True)
        return tf.nn.batch_normalization(inputs, mean, variance, self.beta, self.gamma, self._epsilon)


class HalvingConv(layers.Conv2D):
    """A convolution of kernel 4, stride 2 and padding 1, for small maps: (N, S, S, C) -> (N, S/2, S/2, F).

    On a map of few pixels a convolution takes most of its time to rearrange its many weights: a product of
    matrices reads them as they lie.
    """

    def call(self, inputs):
        _, height, width, channels = inputs.shape
        rows, columns = height // 2, width // 2
        x = tf.pad(inputs, [[0, 0], [1, 1], [1, 1], [0, 0]])
        # Pixels in blocks of 2x2; each output reads the 2x2 blocks that begin at its place.
        x = tf.reshape(x, (-1, rows + 1, 2, columns + 1, 2, channels))
        x = tf.stack([x[:, :-1], x[:, 1:]], axis=2)  # (N, row, block's, in it, column, in it, C)
        x = tf.stack([x[:, :, :, :, :-1], x[:, :, :, :, 1:]], axis=5)
        patches = tf.transpose(x, (0, 1, 4, 2, 3, 5, 6, 7))
        patches = tf.reshape(patches, (-1, 16 * channels))
        outputs = tf.matmul(patches, tf.reshape(self.kernel, (16 * channels, self.filters)))
        outputs = tf.reshape(outputs, (-1, rows, columns, self.filters))
        return outputs + self.bias if self.use_bias else outputs


class DoublingConv(layers.Conv2DTranspose):
    """The transposed one of the same geometry, for small maps too: (N, S, S, C) -> (N, 2S, 2S, F)."""

    def call(self, inputs):
        _, rows, columns, channels = inputs.shape
        kernel = tf.reshape(self.kernel, (16 * self.filters, channels))
        x = tf.matmul(tf.reshape(inputs, (-1, channels)), kernel, transpose_b=True)
        # Each pixel gives 2x2 blocks of 2x2 outputs: a block is the sum of what four pixels give it.
        x = tf.reshape(x, (-1, rows, columns, 2, 2, 2, 2, self.filters))
        x = tf.transpose(x, (0, 3, 1, 4, 5, 2, 6, 7))  # (N, block's, row, in it, block's, column, in it, F)
        x = sum(tf.pad(x[:, i], [[0, 0], [i, 1 - i], *[[0, 0]] * 5]) for i in range(2))
        x = sum(tf.pad(x[:, :, :, i], [[0, 0]] * 3 + [[i, 1 - i], [0, 0], [0, 0]]) for i in range(2))
        outputs = tf.reshape(x, (-1, 2 * rows + 2, 2 * columns + 2, self.filters))[:, 1:-1, 1:-1]
        return outputs + self.bias if self.use_bias else outputs
