"""Runs native code so that Ctrl-C ends it: an engine that loads a graph handles no signal meanwhile."""

import atexit
import contextlib
import os
import sys
import threading
from collections.abc import Callable
from typing import TypeVar

from face2face import cli

T = TypeVar("T")

_POLL_SECONDS = 0.1
"""On Windows a signal does not wake a thread that waits for a lock: it is handled between two waits."""


def call(function: Callable[[], T]) -> T:
    """Call a function in a thread while this one waits for it and handles signals.

    The exception of a signal is raised at once. The thread cannot be ended: if it still runs when the process
    has cleaned up, the process exits without waiting for it.

    Returns:
        What the function returns.

    Raises:
        BaseException: What the function raises.
        KeyboardInterrupt: On a signal.
    """
    outcome: list[T] = []
    failure: list[BaseException] = []

    def work() -> None:
        try:
            outcome.append(function())
        except BaseException as error:
            failure.append(error)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        while thread.is_alive():
            thread.join(_POLL_SECONDS)
    except KeyboardInterrupt:
        end_without(thread)
        raise
    if failure:
        raise failure[0]
    return outcome[0]


def end_without(thread: threading.Thread) -> None:
    """Let the process, once it has cleaned up, exit without a thread that may still run native code.

    Python would end the thread inside that code, which aborts the process, and free the memory that it uses.
    """
    atexit.register(_exit_if_alive, thread)


def _exit_if_alive(thread: threading.Thread) -> None:
    if thread.is_alive():
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError):
                stream.flush()
        os._exit(cli.exit_code)
