"""Folders as the original TensorFlow 1 programs wrote them, made here by the same graph mode."""

import json
import re
from pathlib import Path

import numpy as np
import tensorflow as tf

from pix2pix import images, options
from tests import made

v1 = tf.compat.v1

SIZE, NGF, NDF = 256, 2, 2
WIDTHS = [1, 2, 4, 8, 8, 8, 8, 8]

SPELLINGS = {
    "layers": {
        "down": "conv2d/kernel",
        "up": "conv2d_transpose/kernel",
        "down_bias": "conv2d/bias",
        "up_bias": "conv2d_transpose/bias",
        "scale": "batch_normalization/gamma",
        "offset": "batch_normalization/beta",
    },
    "first": {
        "down": "conv/filter",
        "up": "deconv/filter",
        "scale": "batchnorm/scale",
        "offset": "batchnorm/offset",
    },
}
"""Of the variables, in its later and in its first versions."""


class OriginalGenerator:
    """Its graph without dropout: every block but the outermost is normalised by the picture's statistics."""

    def __init__(self, spelling: dict[str, str], separable: bool = False):
        self._names, self._separable = spelling, separable
        self._rng = np.random.default_rng(0)

    def variable(self, name: str, shape: list[int], low: float, high: float) -> tf.Tensor:
        value = self._rng.uniform(low, high, shape).astype(np.float32)
        return v1.get_variable(name, initializer=value)

    def kernel(self, name: str, shape: list[int], inputs: int) -> tf.Tensor:
        reach = np.sqrt(6 / inputs)
        return self.variable(name, shape, -reach, reach)

    def separable(self, x: tf.Tensor, filters: int, stride: int) -> tf.Tensor:
        channels = x.shape[-1]
        name = "separable_conv2d/"
        depthwise = self.kernel(f"{name}depthwise_kernel", [4, 4, channels, 1], 16)
        pointwise = self.kernel(f"{name}pointwise_kernel", [1, 1, channels, filters], channels)
        bias = self.variable(f"{name}bias", [filters], -0.1, 0.1)
        strides = [1, stride, stride, 1]
        return tf.nn.separable_conv2d(x, depthwise, pointwise, strides, "SAME") + bias

    def down(self, x: tf.Tensor, filters: int, stride: int = 2) -> tf.Tensor:
        if self._separable:
            return self.separable(x, filters, 2)
        channels = x.shape[-1]
        kernel = self.kernel(self._names["down"], [4, 4, channels, filters], 16 * channels)
        padded = tf.pad(x, [[0, 0], [1, 1], [1, 1], [0, 0]])
        return self.biased(tf.nn.conv2d(padded, kernel, stride, "VALID"), "down_bias")

    def up(self, x: tf.Tensor, filters: int) -> tf.Tensor:
        _, side, _, channels = x.shape
        if self._separable:
            x = tf.image.resize(x, (2 * side, 2 * side), "nearest")
            return self.separable(x, filters, 1)
        kernel = self.kernel(self._names["up"], [4, 4, filters, channels], 4 * channels)
        shape = [1, 2 * side, 2 * side, filters]
        return self.biased(tf.nn.conv2d_transpose(x, kernel, shape, 2, "SAME"), "up_bias")

    def biased(self, x: tf.Tensor, name: str) -> tf.Tensor:
        if name not in self._names:
            return x
        return x + self.variable(self._names[name], [x.shape[-1]], -0.1, 0.1)

    def norm(self, x: tf.Tensor) -> tf.Tensor:
        mean, variance = tf.nn.moments(x, [0, 1, 2])
        scale = self.variable(self._names["scale"], [x.shape[-1]], 0.5, 1.5)
        offset = self.variable(self._names["offset"], [x.shape[-1]], -0.5, 0.5)
        return tf.nn.batch_normalization(x, mean, variance, offset, scale, 1e-5)

    def __call__(self, x: tf.Tensor) -> tf.Tensor:
        """float32 (1, 256, 256, 3) in [-1, 1] -> the same."""
        maps = []
        with v1.variable_scope("generator"):
            for level, width in enumerate(WIDTHS, 1):
                with v1.variable_scope(f"encoder_{level}"):
                    if level > 1:
                        x = self.norm(self.down(tf.nn.leaky_relu(x, 0.2), width * NGF))
                    else:
                        x = self.down(x, NGF)
                    maps.append(x)
            for level in range(8, 0, -1):
                with v1.variable_scope(f"decoder_{level}"):
                    if level < 8:
                        x = tf.concat([x, maps[level - 1]], axis=3)
                    x = self.up(tf.nn.relu(x), WIDTHS[level - 2] * NGF if level > 1 else 3)
                    x = self.norm(x) if level > 1 else tf.tanh(x)
        return x


def discriminator(graph: OriginalGenerator, pair: tf.Tensor) -> tf.Tensor:
    """float32 (1, 256, 256, 6) -> logits (1, 30, 30, 1); its norm is by the batch, here one pair."""
    x = pair
    with v1.variable_scope("discriminator"):
        for layer, width in enumerate((1, 2, 4, 8, None), 1):
            with v1.variable_scope(f"layer_{layer}"):
                x = graph.down(x, width * NDF if width else 1, stride=2 if layer < 4 else 1)
                x = graph.norm(x) if 1 < layer < 5 else x
                x = tf.nn.leaky_relu(x, 0.2) if layer < 5 else x
    return x


def original_training(folder: Path, spelling: str, separable: bool = False) -> np.ndarray:
    """A training folder of the original's; returns what its generator paints of `drawing()`.

    `logits.npy` beside its files is what its discriminator says of the drawing and of what was painted.
    """
    folder.mkdir()
    with tf.Graph().as_default(), v1.Session() as session:
        v1.get_variable("global_step", initializer=np.int64(7))
        inputs = tf.constant(images.normalise(drawing()[None].astype(np.float32)))
        outputs = OriginalGenerator(SPELLINGS[spelling], separable)(inputs)
        logits = discriminator(OriginalGenerator(SPELLINGS[spelling]), tf.concat([inputs, outputs], axis=-1))
        session.run(v1.global_variables_initializer())
        v1.train.Saver().save(session, str(folder / "model"), global_step=7)
        painted = images.denormalise(session.run(outputs)[0])
        np.save(folder / "logits.npy", session.run(logits))
    content = {"mode": "train", "ngf": NGF, "ndf": NDF, "which_direction": "AtoB", "lab_colorization": False}
    content |= {"separable_conv": separable, "scale_size": 286, "flip": True, "seed": 5, "max_epochs": 200}
    (folder / options.FILE_NAME).write_text(json.dumps(content, indent=4))
    return painted


def drawing() -> np.ndarray:
    return made.noise(SIZE, SIZE)


def reduced_original(folder: Path) -> np.ndarray:
    """A reduced folder of face2face-demo's; returns what its generator paints of `drawing()`."""
    folder.mkdir()
    with tf.Graph().as_default(), v1.Session() as session:
        inputs = tf.constant(images.normalise(drawing()[None].astype(np.float32)))
        outputs = OriginalGenerator(SPELLINGS["first"])(inputs)
        session.run(v1.global_variables_initializer())
        v1.train.Saver().save(session, str(folder / "reduced_model"))
        return images.denormalise(session.run(outputs)[0])


def difference_in(said: str) -> int:
    """The largest difference, of 255, that a reduction or freezing has told."""
    return int(re.search(r"largest difference between .*: (\d+) of 255\n", said)[1])
