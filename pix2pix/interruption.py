"""What ends a training before its last step: a signal, or a terminal or pipe that nobody reads any more."""

import errno
import os
import signal
from collections.abc import Callable
from types import FrameType, TracebackType

from face2face import cli

_DISCONNECTED = {errno.EPIPE, errno.EIO}
"""Errors of writing to a pipe whose reader has ended, and to a terminal that was closed."""


class Interruption:
    """A context that records signals instead of raising them, so that steps and saves are completed.

    A second signal prints that the training is being saved; a third ends the process at once. Signals that
    the parent process has set to be ignored stay ignored.
    """

    def __init__(self) -> None:
        self._signals: list[int] = []
        self._is_disconnected = False

    @property
    def is_requested(self) -> bool:
        """Whether a signal has come, or nobody reads what is printed."""
        return self._is_disconnected or bool(self._signals)

    def __enter__(self) -> "Interruption":
        handlers = {number: signal.getsignal(number) for number in cli.ENDING_SIGNALS}
        self._before = {number: by for number, by in handlers.items() if by != signal.SIG_IGN}
        for number in self._before:
            signal.signal(number, self._record)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _record(self, number: int, frame: FrameType | None) -> None:
        self._signals.append(number)
        cli.answer_again(len(self._signals), "the training")

    def call(self, show: Callable[..., object], *arguments: object) -> None:
        """Call a function that prints. If nobody reads the output, that counts as an interruption."""
        if self._is_disconnected:
            return
        try:
            show(*arguments)
        except OSError as error:
            if error.errno not in _DISCONNECTED:
                raise
            self._is_disconnected = True

    def reraise(self) -> None:
        """End as the first signal would have ended the process. To be called after the context.

        Raises:
            BrokenPipeError: If nobody reads what is printed.
            KeyboardInterrupt: After a signal.
        """
        if self._is_disconnected:
            raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))
        if self._signals:
            handler = self._before[self._signals[0]]
            if callable(handler):
                handler(self._signals[0], None)
            raise KeyboardInterrupt
