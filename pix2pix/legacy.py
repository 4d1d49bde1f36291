"""Folders of the original TensorFlow 1 programs: their options, and their networks' weights.

They are the training folders of pix2pix-tensorflow, and the reduced folders of face2face-demo.

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

_READ = (
    *("which_direction", "ngf", "ndf", "separable_conv", "lab_colorization"),
    *("scale_size", "flip", "aspect_ratio"),
)
"""Entries of its options.json that are read: they describe the networks and their input."""

REDUCED_NAME = "reduced_model"
"""The checkpoint that face2face-demo's reduce_model.py writes. There is no options.json beside it."""

KERNELS = ("conv2d/kernel", "conv2d_transpose/kernel", "conv/filter", "deconv/filter")
SEPARABLE_KERNELS = (
    ("separable_conv2d/depthwise_kernel",),
    ("separable_conv2d/pointwise_kernel",),
)
BIASES = ("conv2d/bias", "conv2d_transpose/bias", "separable_conv2d/bias")
SCALES = ("batch_normalization/gamma", "batchnorm/scale")
OFFSETS = ("batch_normalization/beta", "batchnorm/offset")
"""Names of a variable in different versions of that trainer, below NETWORK/LAYER/."""


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


def is_reduced_of_original(folder: Path) -> bool:
    """Whether a folder is a reduced model of face2face-demo."""
    has_options = (folder / options.FILE_NAME).exists()
    return not has_options and (folder / f"{REDUCED_NAME}.index").is_file()


def read_reduced_options(folder: Path) -> Options:
    """Find the options of such a reduced model in the shapes of its weights.

    Raises:
        UserError: If its checkpoint is damaged, or is none of a generator.
    """
    import tensorflow as tf

    from pix2pix import checkpoints

    path = checkpoints.newest_checkpoint(folder)
    try:
        shapes = dict(tf.train.list_variables(path))
    except (tf.errors.OpError, ValueError, RuntimeError) as error:
        raise cli.UserError(f"damaged: {path} ({checkpoints.reason_of(error)})") from None
    for is_separable, ends in ((False, KERNELS), (True, SEPARABLE_KERNELS[1])):
        for end in ends:
            if shape := shapes.get(f"generator/encoder_1/{end}"):
                content = options.PAPER | {"separable_conv": is_separable, "ngf": shape[-1]}
                return options.of_content(content, folder)
    raise cli.UserError(f"expected a generator's weights, got none of encoder_1: {path}")


def restore(network: "keras.Model", folder: Path) -> str:
    """Set the weights of a generator that was made with `options.INSTANCE`, or of a discriminator.

    A convolution before a norm may have a bias there and none here: the norm subtracts it again.

    Args:
        network: The network, whose name is that of its variables' scope.
        folder: The training folder, or the reduced one.

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
        for layer in network.layers:
            if layer.weights:
                values = [reader.get_tensor(name) for name in _names(network.name, layer, shapes)]
                layer.set_weights(values + _missing(layer, len(values)))
    except (tf.errors.OpError, ValueError, KeyError, RuntimeError) as error:
        reason = checkpoints.reason_of(error)
        raise cli.UserError(f"damaged, or not of the original trainer: {path} ({reason})") from None
    return path


def _names(scope: str, layer: "keras.Layer", names: dict) -> list[str]:
    """The names of a layer's weights in a checkpoint, in Keras's order."""
    block, kind = layer.name.rsplit("_", 1)
    if kind == "norm":
        wanted, needed = [SCALES, OFFSETS], 2
    else:
        wanted = [*(SEPARABLE_KERNELS if hasattr(layer, "pointwise_kernel") else [KERNELS])]
        needed = len(wanted)
        wanted += [BIASES] * layer.use_bias
    found = [[name for end in ends if (name := f"{scope}/{block}/{end}") in names] for ends in wanted]
    if not all(found[:needed]):
        raise KeyError(f"no {scope}/{block} with {' or '.join(wanted[0])}")
    return [each[0] for each in found if each]


def _missing(layer: "keras.Layer", count: int) -> list[np.ndarray]:
    """The weights of a layer that a checkpoint has not, after the first `count`.

    Its first versions have no bias before a norm: it is 0. No version keeps moving averages, which a
    discriminator does not use.
    """
    rest = layer.get_weights()[count:]
    return rest if layer.name.endswith("_norm") else [np.zeros_like(weight) for weight in rest]
