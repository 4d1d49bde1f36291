"""A training folder of this trainer or of the original one: its options and its generator's weights."""

from pathlib import Path
from typing import TYPE_CHECKING

from face2face import cli
from pix2pix import legacy, options
from pix2pix.options import Options

if TYPE_CHECKING:
    import keras

WHICH_HELP = "weights that validated best, or the newest (default: best, where there are some)"
"""Help text of `--which`, one of `options.WEIGHTS`."""


def read_options(folder: Path) -> Options:
    """Read the options of a training.

    Raises:
        UserError: If the folder is no training's.
    """
    if legacy.is_of_original(folder):
        return legacy.read_options(folder)
    if legacy.is_reduced_of_original(folder):
        raise cli.UserError(
            "expected a training folder, got a reduced model of face2face-demo (freeze_model.py takes it): "
            f"{folder}"
        )
    return options.read(folder, options.TRAINING)


def restore_generator(generator: "keras.Model", folder: Path, which: str | None = None) -> str:
    """Restore the generator's weights from a training folder.

    Args:
        generator: A network of the folder's options.
        folder: The training folder.
        which: One of `options.WEIGHTS`; None: the best where there are some.

    Returns:
        The checkpoint's path.

    Raises:
        UserError: If there is no such checkpoint, or if it does not fit.
    """
    from pix2pix import checkpoints

    if not legacy.is_of_original(folder):
        return checkpoints.restore_generator(generator, folder, which)
    if which == options.BEST:
        raise cli.UserError(f"expected --which last of the original trainer's model, got best: {folder}")
    return legacy.restore(generator, folder)
