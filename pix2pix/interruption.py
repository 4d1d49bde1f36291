"""What ends a training before its last step: a signal, or a terminal or pipe that nobody reads any more."""

import errno
import os
import signal
from collections.abc import Callable

from face2face import cli

_GONE = {errno.EPIPE, errno.EIO}
"""Errors of writing to a pipe whose reader has ended, and to a terminal that was closed."""


class Interruption:
    """Within it, no signal tears a step or a save: it is noted, and handed on at the end.

    A second signal says that the end is coming; a third ends the process at once. Signals that the parent has
    this process ignore stay ignored.
    """

    def __init__(self):
        self._signals: list[int] = []
        self._is_gone = False

    @property
    def came(self) -> bool:
        return self._is_gone or bool(self._signals)

    def __enter__(self) -> "Interruption":
        handlers = {number: signal.getsignal(number) for number in cli.ENDING_SIGNALS}
        self._before = {number: by for number, by in handlers.items() if by != signal.SIG_IGN}
        for number in self._before:
            signal.signal(number, self._note)
        return self

    def __exit__(self, *_) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note(self, number: int, _) -> None:
        self._signals.append(number)
        if len(self._signals) == 2:
            os.write(2, b"ending: the training is being saved; once more ends at once\n")
        elif len(self._signals) > 2:
            os._exit(cli.EXIT_INTERRUPTED)

    def tell(self, show: Callable[..., object], *arguments: object) -> None:
        """Call what prints, unless nobody reads it: that counts as an interruption."""
        if self._is_gone:
            return
        try:
            show(*arguments)
        except OSError as error:
            if error.errno not in _GONE:
                raise
            self._is_gone = True

    def hand_on(self) -> None:
        """After it: end as the first signal would have ended this process.

        Raises:
            BrokenPipeError: if nobody reads what is printed.
            KeyboardInterrupt: after a signal.
        """
        if self._is_gone:
            raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))
        if self._signals:
            handler = self._before[self._signals[0]]
            if callable(handler):
                handler(self._signals[0], None)
            raise KeyboardInterrupt
