"""Training folders of the original TensorFlow 1 trainer: their options, and their generator's weights.

Its generator normalises the innermost feature map too, and normalises by the statistics of the current
picture in testing as well as in training (instance norm). A generator of ours with `options.INSTANCE` returns
the same.
"""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from face2face import cli, records
from pix2pix import options
from pix2pix.options import Options

if TYPE_CHECKING:
    import keras

_READ = ("which_direction", "ngf", "ndf", "separable_conv", "lab_colorization", "scale_size", "flip")
"""Entries of its options.json that are read: they describe the networks and their input."""

KERNELS = ("conv2d/kernel", "conv2d_transpose/kernel", "conv/filter", "deconv/filter")
SEPARABLE_KERNELS = (
    ("separable_conv2d/depthwise_kernel",),
    ("separable_conv2d/pointwise_kernel",),
)
BIASES = ("conv2d/bias", "conv2d_transpose/bias", "separable_conv2d/bias")
SCALES = ("batch_normalization/gamma", "batchnorm/scale")
OFFSETS = ("batch_normalization/beta", "batchnorm/offset")
"""Names of a variable in different versions of that trainer, below generator/LAYER/."""


def is_of_original(folder: Path) -> bool:
    """Whether a folder's options.json is the original trainer's: it has a mode, but no format version."""
    try:
        content = records.read(folder / options.FILE_NAME, options.Content, "options")
    except (OSError, cli.UserError):
        return False
    return "format_version" not in content and "mode" in content


def read_options(folder: Path) -> Options:
    """Read the options of such a folder. Its pictures always have 256 pixels, its drawings are white.

    Raises:
        UserError: If they are damaged.
    """
    path = folder / options.FILE_NAME
    content = records.read(path, options.Content, "the original trainer's options")
    known = {name: content[name] for name in _READ if name in content}
    return options.of_content(options.PAPER | known, path)


def restore_generator(generator: "keras.Model", folder: Path) -> str:
    """Set the weights of a generator that was made with `options.INSTANCE`.

    Returns:
        The checkpoint's path.

    Raises:
        UserError: If there is no checkpoint, or one of another network.
    """
    import tensorflow as tf

    from pix2pix import checkpoints

    path = checkpoints.newest_checkpoint(folder)
    try:
        reader = tf.train.load_checkpoint(path)
        shapes = reader.get_variable_to_shape_map()
        for layer in generator.layers:
            if layer.weights:
                values = [reader.get_tensor(name) for name in _names(layer, shapes)]
                if len(values) < len(layer.weights):  # its first versions have no bias before batch norm
                    values.append(np.zeros(layer.bias.shape, np.float32))
                layer.set_weights(values)
    except (tf.errors.OpError, ValueError, KeyError, RuntimeError) as error:
        reason = checkpoints.reason_of(error)
        raise cli.UserError(f"damaged, or not of the original trainer: {path} ({reason})") from None
    return path


def _names(layer: "keras.Layer", names: dict) -> list[str]:
    """The names of a layer's weights in a checkpoint, in Keras's order."""
    block, kind = layer.name.rsplit("_", 1)
    if kind == "norm":
        wanted = [SCALES, OFFSETS]
    else:
        is_separable = hasattr(layer, "pointwise_kernel")
        wanted = [*(SEPARABLE_KERNELS if is_separable else [KERNELS]), BIASES]
    found = [[name for end in ends if (name := f"generator/{block}/{end}") in names] for ends in wanted]
    if not all(found[: -1 if kind == "conv" else None]):
        raise KeyError(f"no generator/{block} with {' or '.join(wanted[0])}")
    return [each[0] for each in found if each]
