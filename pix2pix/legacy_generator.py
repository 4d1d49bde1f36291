"""The original trainer's generator by TensorFlow's plain operations, straight from its checkpoint.

reduce_model.py compares its own generator of Keras layers with this one, which shares no layer with it.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf

from pix2pix import checkpoints, images, legacy

_LEVELS = 8
_SLOPE, _EPSILON = 0.2, 1e-5


class LegacyGenerator:
    """A function from a drawing to a face, without dropout."""

    def __init__(self, folder: Path) -> None:
        """Open the checkpoint of a training folder, of which `legacy.restore` has read the weights.

        Raises:
            UserError: If it has none.
        """
        self._reader = tf.train.load_checkpoint(checkpoints.newest_checkpoint(folder))
        self._names = self._reader.get_variable_to_shape_map()

    def __call__(self, drawing: np.ndarray) -> np.ndarray:
        """uint8 (256, 256, 3), RGB -> a face of the same shape."""
        x = tf.constant(images.normalise(drawing.astype(np.float32))[None])
        maps = []
        for level in range(1, _LEVELS + 1):
            block = f"encoder_{level}"
            if level == 1:
                x = self._convolved(x, block)
            else:
                x = self._normalised(self._convolved(tf.nn.leaky_relu(x, _SLOPE), block), block)
            maps.append(x)
        for level in range(_LEVELS, 0, -1):
            block = f"decoder_{level}"
            x = x if level == _LEVELS else tf.concat([x, maps[level - 1]], axis=-1)
            x = self._convolved(tf.nn.relu(x), block)
            x = self._normalised(x, block) if level > 1 else tf.tanh(x)
        return images.denormalise(x[0].numpy())

    def _variable(self, block: str, ends: Sequence[str]) -> np.ndarray | None:
        """A variable of a block by its possible names; None if there is none."""
        found = [name for end in ends if (name := f"generator/{block}/{end}") in self._names]
        return self._reader.get_tensor(found[0]) if found else None

    def _convolved(self, x: tf.Tensor, block: str) -> tf.Tensor:
        """(1, S, S, C) -> (1, S/2, S/2, F) in the encoder, (1, 2 S, 2 S, F) in the decoder."""
        side, is_encoder = x.shape[1], block.startswith("encoder")
        kernel = self._variable(block, legacy.KERNELS)
        if kernel is None:
            depthwise, pointwise = (self._variable(block, ends) for ends in legacy.SEPARABLE_KERNELS)
            stride = 2 if is_encoder else 1
            x = x if is_encoder else tf.repeat(tf.repeat(x, 2, axis=1), 2, axis=2)
            x = tf.nn.separable_conv2d(x, depthwise, pointwise, [1, stride, stride, 1], "SAME")
        elif is_encoder:
            x = tf.nn.conv2d(x, kernel, 2, [[0, 0], [1, 1], [1, 1], [0, 0]])
        else:
            shape = (1, 2 * side, 2 * side, kernel.shape[2])
            x = tf.nn.conv2d_transpose(x, kernel, shape, 2, "SAME")
        bias = self._variable(block, legacy.BIASES)
        return x if bias is None else x + bias

    def _normalised(self, x: tf.Tensor, block: str) -> tf.Tensor:
        """Normalise each channel by the picture's own mean and variance."""
        scale, offset = (self._variable(block, ends) for ends in (legacy.SCALES, legacy.OFFSETS))
        mean = tf.reduce_mean(x, (1, 2), keepdims=True)
        variance = tf.reduce_mean(tf.square(x - mean), (1, 2), keepdims=True)
        return (x - mean) * scale / tf.sqrt(variance + _EPSILON) + offset
