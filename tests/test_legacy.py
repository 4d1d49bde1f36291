"""Checkpoints as the original TensorFlow 1 trainer wrote them, made here by the same graph mode."""

import json
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

import freeze_model
import reduce_model
from face2face.generator.generator import Generator
from pix2pix import images, legacy, options
from tests import made

v1 = tf.compat.v1

SIZE, NGF = 256, 2
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

    def down(self, x: tf.Tensor, filters: int) -> tf.Tensor:
        if self._separable:
            return self.separable(x, filters, 2)
        channels = x.shape[-1]
        kernel = self.kernel(self._names["down"], [4, 4, channels, filters], 16 * channels)
        padded = tf.pad(x, [[0, 0], [1, 1], [1, 1], [0, 0]])
        return self.biased(tf.nn.conv2d(padded, kernel, 2, "VALID"), "down_bias")

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


def original_training(folder: Path, spelling: str, separable: bool = False) -> np.ndarray:
    """A training folder of the original's; returns what its generator paints of `drawing()`."""
    folder.mkdir()
    with tf.Graph().as_default(), v1.Session() as session:
        v1.get_variable("global_step", initializer=np.int64(7))
        inputs = tf.constant(images.normalise(drawing()[None].astype(np.float32)))
        outputs = OriginalGenerator(SPELLINGS[spelling], separable)(inputs)
        session.run(v1.global_variables_initializer())
        v1.train.Saver().save(session, str(folder / "model"), global_step=7)
        painted = images.denormalise(session.run(outputs)[0])
    content = {"mode": "train", "ngf": NGF, "ndf": 64, "which_direction": "AtoB", "lab_colorization": False}
    content |= {"separable_conv": separable, "scale_size": 286, "flip": True, "seed": 5, "max_epochs": 200}
    (folder / options.FILE_NAME).write_text(json.dumps(content, indent=4))
    return painted


def drawing() -> np.ndarray:
    return made.noise(SIZE, SIZE)


def reduced(folder: Path) -> tuple[int, Path]:
    """Exit code of the reduction, and its folder."""
    output = folder.with_name(f"{folder.name}-reduced")
    return made.edge(reduce_model.main, "--model-input", folder, "--model-output", output), output


@pytest.mark.parametrize("spelling, separable", [("layers", False), ("first", False), ("layers", True)])
def test_the_originals_generator_goes_on_painting(spelling, separable, tmp_path, capsys):
    expected = original_training(tmp_path / "original", spelling, separable)
    code, folder = reduced(tmp_path / "original")
    assert code == 0
    assert "normalised by its own statistics" in capsys.readouterr().out
    assert options.read(folder, options.REDUCED).statistics == options.INSTANCE
    painted = Generator(freeze_model.freeze(folder))(drawing())
    assert expected.std() > 20
    assert np.abs(painted.astype(int) - expected).max() <= 1


def test_our_own_trainings_are_not_taken_for_the_originals(tmp_path):
    options.write(tmp_path, made.SMALL, options.TRAINING)
    assert not legacy.is_of_original(tmp_path)
    assert not legacy.is_of_original(tmp_path / "nowhere")


def test_what_is_wrong_with_an_original_training_is_told(tmp_path, capsys):
    folder = tmp_path / "original"
    original_training(folder, "layers")
    path = folder / options.FILE_NAME
    content = json.loads(path.read_text())
    for change, message in (
        ({"ngf": 4}, "damaged, or not of the original trainer: "),
        ({"separable_conv": True}, "no generator/encoder_1 with separable_conv2d/depthwise_kernel"),
        ({"lab_colorization": True}, "expected a model that generates pictures, got one of --lab_"),
        ({"ngf": None}, f"{path}: damaged"),
        ({"ngf": "4"}, f"{path}: damaged"),
        ({"ngf": 10**9}, "expected --ngf as a whole number from 1 to 256, got 1000000000"),
        ({"separable_conv": 1}, "expected --separable_conv as true or false, got 1"),
        ({"which_direction": "up"}, "expected --which_direction as one of AtoB, BtoA, got"),
    ):
        path.write_text(json.dumps(content | change))
        code, output = reduced(folder)
        assert code == 2
        error = capsys.readouterr().err
        assert message in error and error.startswith("error: ") and error.count("\n") == 1
        assert not output.exists()


def test_a_list_of_other_files_is_refused(tmp_path, capsys):
    folder = tmp_path / "original"
    original_training(folder, "layers")
    (folder / "checkpoint").write_text('model_checkpoint_path: "../elsewhere/model-7"\n')
    before = made.tree(tmp_path)
    assert reduced(folder)[0] == 2
    error = capsys.readouterr().err
    assert f"expected a list of the checkpoints in {folder}, got ../elsewhere/model-7: " in error
    assert error.count("\n") == 1 and made.tree(tmp_path) == before


@pytest.mark.parametrize("content", ["", "{", "[]", "3", '{"mode": "train", "ngf": NaN}'])
def test_damaged_options_are_named(content, tmp_path, capsys):
    original_training(tmp_path / "original", "layers")
    (tmp_path / "original" / options.FILE_NAME).write_text(content)
    before = made.tree(tmp_path)
    assert reduced(tmp_path / "original")[0] == 2
    error = capsys.readouterr().err
    assert str(tmp_path / "original" / options.FILE_NAME) in error and error.count("\n") == 1
    assert made.tree(tmp_path) == before
