"""Processes in which TensorFlow is imported already: forked from one that has computed nothing with it."""

import multiprocessing
import os
from collections.abc import Callable
from multiprocessing.process import BaseProcess
from pathlib import Path

from face2face import loading

loading.load_tensorflow()  # also in the process that all others are forked from, which imports this module

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload([__name__, "pix2pix.training"])


def start(function: Callable, *arguments, log: Path | None = None) -> BaseProcess:
    """Call a function of a module in a process of its own. log: file for its output; None: that of pytest."""
    process = _CONTEXT.Process(target=_call, args=(log, function, *arguments))
    process.start()
    return process


def _call(log: Path | None, function: Callable, *arguments) -> None:
    if log is not None:
        file = os.open(log, os.O_WRONLY | os.O_CREAT)
        os.dup2(file, 1)
        os.dup2(file, 2)
    function(*arguments)


def end(process: BaseProcess, seconds: float) -> int:
    """Exit code; the negative number of the signal that ended it. Raises: AssertionError if it goes on."""
    process.join(seconds)
    assert process.exitcode is not None, "it goes on"
    return process.exitcode
