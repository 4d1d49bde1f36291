"""Calls of native code that Ctrl-C ends. An engine that loads a graph answers no signal before it is done."""

import atexit
import os
import sys
import threading
from collections.abc import Callable
from typing import TypeVar

from face2face import cli

T = TypeVar("T")

_POLL_SECONDS = 0.1
"""Windows does not wake a thread that waits for a lock: there, signals are seen between two waits."""


def call(function: Callable[[], T]) -> T:
    """What a function returns, computed in a thread while this one waits for it and for signals.

    A signal's exception leaves at once. The thread cannot be ended: if it still runs when this process has
    cleaned up and wants to end, the process ends without it.
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
        atexit.register(_end_without, thread)
        raise
    if failure:
        raise failure[0]
    return outcome[0]


def _end_without(thread: threading.Thread) -> None:
    """End the process here if a thread is still in native code, whose memory would be freed under it."""
    if thread.is_alive():
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(cli.EXIT_INTERRUPTED)
