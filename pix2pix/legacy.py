"""Training folders of the original TensorFlow 1 trainer: their options, and their generator's weights.

Its generator differs from ours: it normalises the innermost map too, and by the statistics of the picture
at hand in testing as well as in training. A generator of ours with `options.PICTURE` paints the same.
"""

from pathlib import Path

import numpy as np

from face2face import cli, records
from pix2pix import options
from pix2pix.options import Options

_READ = ("which_direction", "ngf", "ndf", "separable_conv", "lab_colorization", "scale_size", "flip")
"""What its options.json says of the networks, and of the training that matters to a reader."""

KERNELS = ("conv2d/kernel", "conv2d_transpose/kernel", "conv/filter", "deconv/filter")
SEPARABLE_KERNELS = (
    ("separable_conv2d/depthwise_kernel",),
    ("separable_conv2d/pointwise_kernel",),
)
BIASES = ("conv2d/bias", "conv2d_transpose/bias", "separable_conv2d/bias")
SCALES = ("batch_normalization/gamma", "batchnorm/scale")
OFFSETS = ("batch_normalization/beta", "batchnorm/offset")
"""A variable's names in its versions, below generator/LAYER/."""


def is_of_original(folder: Path) -> bool:
    """Whether a folder's options.json is the original trainer's: it has no format version, but a mode."""
    try:
        content = records.read(folder / options.FILE_NAME, options.Content, "options")
    except (OSError, cli.UserError):
        return False
    return "format_version" not in content and "mode" in content


def read_options(folder: Path) -> Options:
    """The options of such a folder; its pictures were always of 256 pixels, its drawings white.

    Raises:
        UserError: if they are damaged.
    """
    path = folder / options.FILE_NAME
    content = records.read(path, options.Content, "the original trainer's options")
    known = {name: content[name] for name in _READ if name in content}
    return options.of_content(options.PAPER | known | {"statistics": options.PICTURE}, path)


def restore_generator(generator, folder: Path) -> str:
    """Set the weights of a generator with `options.PICTURE`; returns the checkpoint's path.

    Raises:
        UserError: if there is no checkpoint, or one of another network.
    """
    import tensorflow as tf

    from pix2pix import checkpoints

    path = checkpoints.newest(folder)
    try:
        reader = tf.train.load_checkpoint(path)
        shapes = reader.get_variable_to_shape_map()
        for layer in generator.layers:
            if layer.weights:
                values = [reader.get_tensor(name) for name in _names(layer, shapes)]
                if len(values) < len(layer.weights):  # its first versions have no bias before a norm
                    values.append(np.zeros(layer.bias.shape, np.float32))
                layer.set_weights(values)
    except (tf.errors.OpError, ValueError, KeyError, RuntimeError) as error:
        reason = checkpoints.reason_of(error)
        raise cli.UserError(f"damaged, or not of the original trainer: {path} ({reason})") from None
    return path


def _names(layer, names: dict) -> list[str]:
    """The names in a checkpoint of a layer's weights, in Keras's order."""
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
