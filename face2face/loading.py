"""Imports of large libraries: without what they write to stderr, and without packages they do not need."""

import contextlib
import functools
import gc
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import openvino

UNUSED_BY_KERAS = ("IPython", "matplotlib", "pydot", "sklearn")
"""Packages that Keras imports where they are installed, for plots and wrappers that are not used here.
Without them TensorFlow is imported in 0.7 times the time."""


@contextlib.contextmanager
def quiet_stderr() -> Iterator[None]:
    """Hold back what native libraries write to stderr while they load; it is shown if loading fails."""
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        except Exception:  # Ctrl-C is none: what was held back would explain nothing
            held.seek(0)
            os.write(kept, held.read())
            raise
        finally:
            os.dup2(kept, 2)
            os.close(kept)


@contextlib.contextmanager
def without_packages(names: Sequence[str]) -> Iterator[None]:
    """Let imports of these packages fail, as if they were not installed; those imported already stay."""
    hidden = [name for name in names if name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]


@contextlib.contextmanager
def without_garbage_collection() -> Iterator[None]:
    """Collect no garbage meanwhile: imports make hardly any, and each search goes through all of them."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


@functools.cache
def openvino_core() -> "openvino.Core":
    """OpenVINO, one for all models of this process.

    Each `Core` sets a stack for signal handlers, and sets the one before it again when it is deleted. Of two
    that are deleted in the order in which they were made (OpenVINO 2026.4), the second sets the stack of the
    first, which is gone: the next Ctrl-C would be a segmentation fault.

    Raises:
        ImportError: If it is not installed.
    """
    import openvino

    return openvino.Core()


@functools.cache
def load_tensorflow() -> None:
    """Import TensorFlow, which then writes nothing to stderr. It takes seconds: check the arguments first."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with quiet_stderr(), without_packages(UNUSED_BY_KERAS), without_garbage_collection():
        import tensorflow as tf

        tf.config.list_physical_devices()  # looks for GPUs, and says more than a user needs
