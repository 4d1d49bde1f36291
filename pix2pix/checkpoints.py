"""Checkpoints of a training: saved whole, found again, restored."""

import contextlib
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import tensorflow as tf
from google.protobuf import text_format
from tensorflow.python.training.checkpoint_state_pb2 import CheckpointState

from face2face.cli import UserError, shown

KEPT = 3
"""The newest checkpoints that stay in a training folder."""

STATE = "checkpoint"
"""The file that lists a folder's checkpoints. TensorFlow reads, and removes, what it names."""

_STATE_BYTES = 2**20  # at most
_BESIDE = re.compile(r"\n\s*\[\[|\nTraceback|\nHint:|Original stack trace| \[Op:")  # in TensorFlow's errors
_NAME = re.compile(r"(ckpt|generator|model)(-\d+)?")  # of ours, and of the original trainer

BEST, LAST = "best", "last"
"""Which weights of a training: those that validated best, in a folder of their own, or the newest."""

AVERAGE = "average"
"""The name in a checkpoint of the generator whose weights are the moving average."""


def by_name(network) -> tf.train.Checkpoint:
    """A network's variables as LAYER/VARIABLE, names that outlive Keras's own order and spelling."""
    layers = {layer.name: {v.name: v.value for v in layer.variables} for layer in network.layers}
    return tf.train.Checkpoint(**{name: tf.train.Checkpoint(**v) for name, v in layers.items() if v})


def check_state(folder: Path) -> None:
    """Look into the file that lists a folder's checkpoints, before TensorFlow goes by it.

    Raises:
        UserError: if it is damaged, or lists anything but checkpoints in this very folder.
    """
    path = folder / STATE
    if not os.path.lexists(path):
        return
    expected = f"expected a list of the checkpoints in {folder}, got"
    if not path.is_file() or path.stat().st_size > _STATE_BYTES:
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
            raise UserError(f"{expected} {shown(listed)}: {path}")


class Checkpoints:
    """The checkpoints of a folder, for a set of named objects with variables (networks, optimisers, ...)."""

    def __init__(self, folder: Path, **objects):
        """Raises: UserError if the folder's list of checkpoints is damaged, or lists other files."""
        check_state(folder)
        self._checkpoint = tf.train.Checkpoint(**objects)
        self._folder = folder
        self._manager = tf.train.CheckpointManager(self._checkpoint, str(folder), max_to_keep=KEPT)

    @property
    def latest(self) -> str | None:
        return self._manager.latest_checkpoint

    def save(self, step: int) -> str:
        """Save all objects; the older checkpoints go only after this one is whole. Returns its path.

        Raises:
            UserError: if it cannot be written; the older ones stay.
        """
        return _save(self._manager, self._folder, step)

    def restore(self, folder: Path | None = None) -> str | None:
        """Restore the newest checkpoint, of another folder if given; returns its path, or None."""
        path = newest(folder) if folder else self._manager.latest_checkpoint
        if path:
            _restore(path, lambda: _match(self._checkpoint.restore(path)))
        return path


class Best:
    """A generator's weights, alone, in the folder `best` of a training: one checkpoint, the best so far."""

    def __init__(self, folder: Path):
        """Raises: UserError if the list of its checkpoints is damaged, or lists other files."""
        self._folder = folder / BEST
        check_state(self._folder)

    def save(self, generator, step: int) -> None:
        """Raises: UserError if it cannot be written; the older one stays."""
        checkpoint = tf.train.Checkpoint(generator=by_name(generator))
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
    """What an error of TensorFlow says, in a line: without the places in its own code and in ours."""
    text = getattr(error, "message", None) or str(error)
    text = re.sub(r"\{\{.*?\}\}", "", _BESIDE.split(text)[0]).strip()
    if text.startswith("Graph execution error"):
        text = text.split("\n\n")[-1]  # after the places in our code
    text = text.split("UserError: ")[-1].strip()  # of a pair that is read ahead
    return shown(text.splitlines()[0] if text else type(error).__name__, 200)


@contextlib.contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn what TensorFlow raises when it cannot write into a `UserError` that names `path`."""
    try:
        yield
    except tf.errors.OpError as error:
        raise UserError(f"cannot write {path}: {reason_of(error)}") from None


def newest(folder: Path) -> str:
    """The newest checkpoint of a folder. Raises: UserError if it has none, or its list is damaged."""
    check_state(folder)
    path = tf.train.latest_checkpoint(str(folder))
    if path is None:
        raise UserError(f"expected a folder with a checkpoint, got none in {folder}: train first")
    return path


def choose(folder: Path, which: str | None) -> Path:
    """The folder with a training's best or last weights; the best where there are some, if `which` is None.

    Raises:
        UserError: if there are no best ones, or their list is damaged.
    """
    check_state(folder / BEST)
    has_best = tf.train.latest_checkpoint(str(folder / BEST)) is not None
    if which == BEST and not has_best:
        raise UserError(f"expected a training that was validated, got one without a best one: {folder}")
    return folder / BEST if has_best and which != LAST else folder


def restore_generator(generator, folder: Path, which: str | None = LAST) -> str:
    """Restore the generator's weights, alone, from a training or reduced folder; returns the path.

    Of a training with `--ema` they are the averaged ones. `which`: see `choose`.
    """
    path = newest(choose(folder, which))

    def restore() -> None:
        names = {name.split("/")[0] for name, _ in tf.train.list_variables(path)}
        checkpoint = tf.train.Checkpoint(**{AVERAGE if AVERAGE in names else "generator": by_name(generator)})
        _match(checkpoint.restore(path))

    _restore(path, restore)
    return path


def save_generator(generator, folder: Path) -> None:
    """Save a generator's weights, alone, so that `restore_generator` finds them.

    Raises:
        UserError: if they cannot be written.
    """
    with writing(folder):
        tf.train.Checkpoint(generator=by_name(generator)).save(str(folder / "generator"))


def _match(status) -> None:
    """All that exists has to be in the checkpoint, which may hold more."""
    status.assert_existing_objects_matched().expect_partial()


def _restore(path: str, restore) -> None:
    try:
        restore()
    except (tf.errors.OpError, AssertionError, ValueError, IndexError, RuntimeError) as error:
        raise UserError(f"damaged, or of a network with other options: {path} ({reason_of(error)})") from None


def size_mb(path: str) -> float:
    """Size of a checkpoint's files in megabytes."""
    return sum(file.stat().st_size for file in Path(path).parent.glob(f"{Path(path).name}.*")) / 1e6
