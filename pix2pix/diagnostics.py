"""What TensorBoard shows besides losses and faces: the discriminator's patch scores, histograms."""

from collections.abc import Iterator

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from pix2pix.fast_layers import BatchNorm
from pix2pix.optimizer import Adam


def patch_scores(
    discriminator: keras.Model, is_least_squares: bool, inputs: tf.Tensor, faces: tf.Tensor
) -> np.ndarray:
    """The discriminator's patch scores of a pair, by the pair's own statistics as in training.

    The network itself is not called: in training it would change its moving averages.

    Args:
        discriminator: The PatchGAN.
        is_least_squares: Whether its logits are 1 for real and 0 for painted (LSGAN), not log odds.
        inputs: A drawing, float32 (1, S, S, C) in [-1, 1].
        faces: A face, likewise.

    Returns:
        uint8 (S/8 - 2, S/8 - 2, 1): 255 where a patch looks real.
    """
    x = tf.concat([inputs, faces], axis=-1)
    for layer in discriminator.layers:
        if isinstance(layer, BatchNorm):
            x = layer.by_batch(x)
        elif not isinstance(layer, layers.InputLayer | layers.Concatenate):
            x = layer(x)
    logits = tf.cast(x[0], tf.float32)
    real = tf.clip_by_value(logits, 0.0, 1.0) if is_least_squares else tf.sigmoid(logits)
    return tf.saturate_cast(tf.round(real * 255), tf.uint8).numpy()


def distributions(network: keras.Model, optimizer: Adam) -> Iterator[tuple[str, tf.Variable]]:
    """The weights of a network, and the running means of their gradients (Adam's first moments), by name."""
    for layer in network.layers:
        for variable in layer.trainable_variables:
            name = f"{layer.name}/{variable.name}"
            yield f"{network.name}/{name}/values", variable.value
            yield f"{network.name}/{name}/gradients", optimizer.mean[name]
