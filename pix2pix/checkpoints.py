"""Checkpoints of a training: saving, finding and restoring them."""

import contextlib
import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf
from google.protobuf import text_format
from tensorflow.python.training.checkpoint_state_pb2 import CheckpointState

from face2face.cli import UserError, shown, shown_to_its_end
from pix2pix.options import BEST, LAST

KEPT = 3
"""Number of the newest checkpoints that a training folder keeps."""

STATE = "checkpoint"
"""The file that lists a folder's checkpoints. TensorFlow reads, and deletes, the files that it lists."""

_MAX_STATE_BYTES = 2**20
# Where the reason ends in TensorFlow's errors.
_DETAILS = re.compile(r"\n\s*\[\[|\nTraceback|\nHint:|Original stack trace| \[Op:")
_NAME = re.compile(r"(ckpt|generator|model|reduced_model)(-\d+)?")  # ours, and the original programs'

_MOST_SHOWN = 200  # characters of a reason

EMA_GENERATOR = "average"
"""Name of the EMA generator in checkpoints. It is part of the file format: saved trainings have it."""


def named_variables(network: keras.Model) -> tf.train.Checkpoint:
    """A network's variables by LAYER/VARIABLE, names that do not depend on Keras's version."""
    layers = {layer.name: {v.name: v.value for v in layer.variables} for layer in network.layers}
    return tf.train.Checkpoint(**{name: tf.train.Checkpoint(**v) for name, v in layers.items() if v})


def check_state(folder: Path) -> None:
    """Check the file that lists a folder's checkpoints, before TensorFlow trusts it.

    Raises:
        UserError: If it is damaged, or lists anything but checkpoints in this folder.
    """
    path = folder / STATE
    if not os.path.lexists(path):
        return
    expected = f"expected a list of the checkpoints in {folder}, got"
    if not path.is_file() or path.stat().st_size > _MAX_STATE_BYTES:
        raise UserError(f"{expected} something else: {path}")
    try:
        state = text_format.Parse(path.read_bytes(), CheckpointState())
    except (text_format.ParseError, ValueError):
        raise UserError(f"{expected} an empty or damaged file: {path}") from None
    if not state.model_checkpoint_path:
        raise UserError(f"{expected} an empty or damaged file: {path}")
    for listed in (state.model_checkpoint_path, *state.all_model_checkpoint_paths):
        place, name = os.path.split(os.path.join(folder, listed))
        if not _NAME.fullmatch(name) or os.path.realpath(place) != os.path.realpath(folder):
            raise UserError(
                f"{expected} {shown(listed)}: {path} (if the folder was moved, leave the names alone in it)"
            )


class Checkpoints:
    """The checkpoints of a folder, for a set of named objects with variables (networks, optimisers, ...)."""

    def __init__(self, folder: Path, **objects: object) -> None:
        """Check the folder's list of checkpoints.

        Raises:
            UserError: If it is damaged, or lists other files.
        """
        check_state(folder)
        self._objects = objects
        self._checkpoint = tf.train.Checkpoint(**objects)
        self._folder = folder
        self._manager = tf.train.CheckpointManager(self._checkpoint, str(folder), max_to_keep=KEPT)

    @property
    def latest(self) -> str | None:
        """Path of the newest checkpoint; None if there is none."""
        return self._manager.latest_checkpoint

    def save(self, step: int) -> str:
        """Save all objects, and delete the oldest checkpoint only after this one is complete.

        Returns:
            The checkpoint's path.

        Raises:
            UserError: If it cannot be written; the older ones stay.
        """
        return _save(self._manager, self._folder, step)

    def restore(self) -> str | None:
        """Restore the newest checkpoint.

        If a training with `--no_ema` saved it, the EMA generator begins with the generator's weights.

        Returns:
            The checkpoint's path; None if there is none.

        Raises:
            UserError: If it does not fit.
        """
        if path := self.latest:
            _restore(path, lambda: self._restore_from(path))
        return path

    def _restore_from(self, path: str) -> None:
        if EMA_GENERATOR not in self._objects or EMA_GENERATOR in _names(path):
            _match(self._checkpoint.restore(path))
            return
        others = {name: value for name, value in self._objects.items() if name != EMA_GENERATOR}
        for objects in (others, {"generator": self._objects[EMA_GENERATOR]}):
            _match(tf.train.Checkpoint(**objects).restore(path))


class Best:
    """The weights of the generator that validated best so far, in the subfolder `best` of a training."""

    def __init__(self, folder: Path) -> None:
        """Check the subfolder's list of checkpoints.

        Raises:
            UserError: If it is damaged, or lists other files.
        """
        self._folder = folder / BEST
        check_state(self._folder)

    def save(self, generator: keras.Model, step: int) -> None:
        """Replace the saved weights.

        Raises:
            UserError: If they cannot be written; the older ones stay.
        """
        checkpoint = tf.train.Checkpoint(generator=named_variables(generator))
        _save(tf.train.CheckpointManager(checkpoint, str(self._folder), max_to_keep=1), self._folder, step)


def _save(manager: tf.train.CheckpointManager, folder: Path, step: int) -> str:
    before = manager.latest_checkpoint
    try:
        return manager.save(checkpoint_number=step)
    except (tf.errors.OpError, OSError) as error:
        name = f"ckpt-{step}"
        if before is None or Path(before).name != name:
            for left in folder.glob(f"{name}.*"):
                left.unlink() if left.is_file() else shutil.rmtree(left)
        kept = f"{before} is whole" if before else "there is none yet"
        raise UserError(
            f"cannot save a checkpoint in {folder}, the last one, {kept}: {reason_of(error)}"
        ) from None


def reason_of(error: Exception) -> str:
    """The reason that an error of TensorFlow gives, in one line, without stack traces and op names."""
    text = getattr(error, "message", None) or str(error)
    text = re.sub(r"\{\{.*?\}\}", "", _DETAILS.split(text)[0]).strip()
    if text.startswith("Graph execution error"):
        text = text.split("\n\n")[-1]  # after the stack trace
    text = text.split("UserError: ")[-1].strip()  # raised where a pair was read
    return shown_to_its_end(text.splitlines()[0] if text else type(error).__name__, _MOST_SHOWN)


@contextlib.contextmanager
def report_write_errors(path: Path) -> Iterator[None]:
    """Raise TensorFlow's errors of writing as a `UserError` that names `path`."""
    try:
        yield
    except tf.errors.OpError as error:
        raise UserError(f"cannot write {path}: {reason_of(error)}") from None


def newest_checkpoint(folder: Path) -> str:
    """Path of the newest checkpoint of a folder.

    Raises:
        UserError: If it has none, or if its list is damaged.
    """
    check_state(folder)
    path = tf.train.latest_checkpoint(str(folder))
    if path is None:
        raise UserError(f"expected a folder with a checkpoint, got none in {folder}: train first")
    return path


def weights_folder(folder: Path, which: str | None) -> Path:
    """The folder with a training's best or last weights.

    Args:
        folder: The training folder.
        which: BEST, LAST, or None: the best if the training was validated, else the last.

    Raises:
        UserError: If the best are asked for and there are none, or if their list is damaged.
    """
    check_state(folder / BEST)
    has_best = tf.train.latest_checkpoint(str(folder / BEST)) is not None
    if which == BEST and not has_best:
        raise UserError(f"expected a training with best weights, got one that was never validated: {folder}")
    return folder / BEST if has_best and which != LAST else folder


def restore_generator(generator: keras.Model, folder: Path, which: str | None = LAST) -> str:
    """Restore the generator's weights from a training or reduced folder; with `--ema` the EMA generator's.

    Args:
        generator: The network whose weights are set.
        folder: The training or reduced folder.
        which: As in `weights_folder`.

    Returns:
        The checkpoint's path.

    Raises:
        UserError: If there is no checkpoint, or if it does not fit.
    """
    path = newest_checkpoint(weights_folder(folder, which))

    def restore() -> None:
        name = EMA_GENERATOR if EMA_GENERATOR in _names(path) else "generator"
        _match(tf.train.Checkpoint(**{name: named_variables(generator)}).restore(path))

    _restore(path, restore)
    return path


def restore_objects(folder: Path, objects: dict[str, object]) -> str:
    """Restore some of the named objects of a training folder's newest checkpoint.

    Returns:
        The checkpoint's path.

    Raises:
        UserError: If there is no checkpoint, or if it does not fit.
    """
    path = newest_checkpoint(folder)
    _restore(path, lambda: _match(tf.train.Checkpoint(**objects).restore(path)))
    return path


def save_generator(generator: keras.Model, folder: Path) -> None:
    """Save the weights of a generator alone, for `restore_generator`.

    Raises:
        UserError: If they cannot be written.
    """
    with report_write_errors(folder):
        tf.train.Checkpoint(generator=named_variables(generator)).save(str(folder / "generator"))


def _names(path: str) -> set[str]:
    """The names of the objects that a checkpoint holds."""
    return {name.split("/")[0] for name, _ in tf.train.list_variables(path)}


def _match(status: Any) -> None:
    """Check that all existing variables were in the checkpoint, which may hold more."""
    status.assert_existing_objects_matched().expect_partial()


def _restore(path: str, restore: Callable[[], None]) -> None:
    try:
        restore()
    except (tf.errors.OpError, AssertionError, ValueError, IndexError, RuntimeError) as error:
        raise UserError(f"damaged, or of a network with other options: {path} ({reason_of(error)})") from None


def size_mb(path: str) -> float:
    """Size of a checkpoint's files in megabytes."""
    return sum(file.stat().st_size for file in Path(path).parent.glob(f"{Path(path).name}.*")) / 1e6
