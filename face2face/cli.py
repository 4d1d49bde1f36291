"""What all scripts share: arguments, signals, errors in one line, progress."""

import argparse
import contextlib
import math
import os
import re
import signal
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from tqdm import tqdm

EXIT_USER_ERROR = 2
EXIT_INCOMPLETE = 3
EXIT_INTERRUPTED = 130

exit_code = 0
"""The exit code that the process is about to end with. `interruptible` may end it before Python does."""

signals: list[int] = []
"""The `ENDING_SIGNALS` that have come since `run` began, or since what they ended was kept (`clear`)."""

ENDING_SIGNALS = [
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK") if hasattr(signal, name)
]
"""Ctrl-C, `kill`, a terminal that is closed: each ends a script, and what is done is kept."""

MAX_SIDE = 2**14
"""Limit of the sizes that a user can ask for, in pixels a side. A higher number is a typing error."""

_MOST_SHOWN = 120  # characters of a stranger's text


class UserError(Exception):
    """Something the user can put right. Its text says what was expected and what came, in one line."""


class Incomplete(Exception):
    """All that could be done is done and kept, but it is less than was asked for; the text says why."""


class _HelpWithDefaults(argparse.ArgumentDefaultsHelpFormatter):
    """Adds the default to an option's help, except None and False, and except where the option turns off."""

    def _get_help_string(self, action: argparse.Action) -> str | None:
        turns_off = action.nargs == 0 and action.const is False
        if action.default is None or action.default is False or turns_off:
            return action.help
        return super()._get_help_string(action)


class ArgumentParser(argparse.ArgumentParser):
    """argparse with the defaults in `--help` and each error in one line on stderr, exit code 2."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(formatter_class=_HelpWithDefaults, allow_abbrev=False, **kwargs)

    def error(self, message: str) -> NoReturn:
        """End with one line that says what is wrong with the arguments."""
        self.exit(EXIT_USER_ERROR, f"error: {message} (see --help)\n")


def run(main: Callable[[], int | None]) -> NoReturn:
    """Run a script's `main` and turn what it raises into an exit code and at most one line on stderr."""
    global exit_code
    _prepare_streams()
    handling = _Signals()
    try:
        exit_code = main() or 0
        sys.stdout.flush()  # a reader that has gone is noticed here
        sys.exit(exit_code)
    except KeyboardInterrupt:
        fail("interrupted", EXIT_INTERRUPTED, "")
    except UserError as error:
        fail(str(error))
    except Incomplete as error:
        fail(str(error), EXIT_INCOMPLETE)
    except BrokenPipeError:  # the reader of our output has gone, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        exit_code = 1
        sys.exit(exit_code)
    except OSError as error:  # no permission, no space, ...: the system's own words and the file
        fail(reason(error) + (f": {error.filename}" if error.filename else ""))
    finally:
        handling.end()


def fail(message: str, code: int = EXIT_USER_ERROR, kind: str = "error: ") -> NoReturn:
    """End with one line on stderr, if anybody can still read it."""
    global exit_code
    exit_code = code
    with contextlib.suppress(OSError):
        print(kind + " ".join(message.split()), file=sys.stderr)
    sys.exit(code)


def reason(error: Exception) -> str:
    """The system's description of an error, or the error's own text."""
    return str(getattr(error, "strerror", None) or error)


def shown(text: str, most: int = _MOST_SHOWN) -> str:
    """A stranger's text, fit for a line of a terminal: ASCII, nothing that controls it, and not too long."""
    return ascii(text[:most])[1:-1]


def shown_to_its_end(text: str, most: int) -> str:
    """As `shown`, without the middle if it is too long: the end may be the reason, behind a long path."""
    return shown(text if len(text) <= most else f"{text[: most // 2]} ... {text[-most // 2 :]}", most + 5)


def _prepare_streams() -> None:
    """Replace closed streams, escape what stdout and stderr cannot encode, silence a warning of Pillow's."""
    for descriptor, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:  # it was closed: the next file that is opened must not take its place
            with contextlib.suppress(OSError):
                os.fstat(descriptor)
                continue
            opened = os.open(os.devnull, os.O_RDWR)  # the lowest that is free
            setattr(sys, name, os.fdopen(opened, "r" if name == "stdin" else "w", closefd=False))
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    # Pillow warns of large images; `pictures.read` has a limit of its own.
    warnings.filterwarnings("ignore", message="Image size")


class _Signals:
    """The first ending signal raises KeyboardInterrupt; later ones do not, so that cleaning up goes on.

    The second prints a message; the third ends the process at once. Signals that the parent has
    this process ignore (`nohup`, a shell's background job) stay ignored.
    """

    def __init__(self) -> None:
        signals.clear()
        for number in ENDING_SIGNALS:
            if signal.getsignal(number) != signal.SIG_IGN:
                signal.signal(number, self._interrupt)

    def _interrupt(self, number: int, _: object) -> None:
        signals.append(number)
        if len(signals) == 1:
            raise KeyboardInterrupt
        answer_again(len(signals), "what is done")

    def end(self) -> None:
        """From here on there is nothing to keep: a signal ends the process without a traceback."""
        for number in ENDING_SIGNALS:
            if signal.getsignal(number) == self._interrupt:
                signal.signal(number, signal.SIG_DFL)


def answer_again(count: int, what: str) -> None:
    """Answer the second signal by a line that says that `what` is being saved; the third ends the process."""
    if count == 2:
        with contextlib.suppress(OSError):  # nobody may read it any more
            os.write(2, f"stopping: {what} is being saved; interrupt again to end at once\n".encode())
    elif count > 2:
        os._exit(EXIT_INTERRUPTED)


def warn(message: str) -> None:
    """Print a warning's one line on stderr."""
    print(f"warning: {message}", file=sys.stderr)


# --- argument types -------------------------------------------------------------------------------------


def number_type(
    parse: Callable[[str], float], is_valid: Callable[[float], bool], expected: str
) -> Callable[[str], float]:
    """Make an argument type for some numbers.

    Args:
        parse: int or float.
        is_valid: Whether a number is one of them; of NaN it is not.
        expected: What they are, for the message: "a whole number above 0".
    """

    def number(text: str) -> float:
        with contextlib.suppress(ValueError):
            if is_valid(value := parse(text)):
                return value
        raise argparse.ArgumentTypeError(f"expected {expected}, got '{text}'")

    return number


positive_int = number_type(int, lambda number: number > 0, "a whole number above 0")
non_negative_int = number_type(int, lambda number: number >= 0, "a whole number, 0 or above")
positive_float = number_type(float, lambda number: 0 < number < math.inf, "a number above 0")
non_negative_float = number_type(float, lambda number: 0 <= number < math.inf, "a number, 0 or above")
fraction = number_type(float, lambda number: 0 <= number <= 1, "a number from 0 to 1")


def size(text: str) -> tuple[int, int]:
    """Parse a size in pixels, as 640x480: (width, height)."""
    if match := re.fullmatch(r"([1-9]\d{0,4})x([1-9]\d{0,4})", text):
        return int(match[1]), int(match[2])
    raise argparse.ArgumentTypeError(f"expected a size as 640x480, got '{text}'")


def check_size(size: tuple[int, int] | None, option: str) -> None:
    """Raise `UserError` if an option's (width, height), pixels, has a side above `MAX_SIDE`; None is none."""
    if size and max(size) > MAX_SIDE:
        raise UserError(f"expected {option} of at most {MAX_SIDE} a side, got {size[0]}x{size[1]}")


def port(text: str) -> int:
    """Parse a TCP port; 0 is any that is free."""
    if text.isdecimal() and int(text) < 65536:
        return int(text)
    raise argparse.ArgumentTypeError(f"expected a port from 0 to 65535, got '{text}'")


def checkpoint_folder(text: str) -> Path:
    """Parse the path of a folder with checkpoints. TensorFlow would delete what it matches as a pattern."""
    special = "*?[" if os.sep == "\\" else "*?[\\"
    if not set(text).isdisjoint(special):
        raise argparse.ArgumentTypeError(
            f"expected a path without any of {special}, which TensorFlow takes for a pattern, got '{text}'"
        )
    return Path(text)


def existing_file(path: str | Path, what: str) -> Path:
    """The path of a file.

    Args:
        what: What the file should be, for the error: "the frozen model".

    Raises:
        UserError: If there is no file.
    """
    path = Path(path)
    if path.is_dir():
        raise UserError(f"expected a file as {what}, got a folder: {path}")
    if not path.is_file():
        raise UserError(f"{what} not found: {path}")
    return path


def existing_dir(path: str | Path, what: str) -> Path:
    """The path of a folder; `what` and errors as in `existing_file`."""
    path = Path(path)
    if not path.is_dir():
        raise UserError(
            f"expected a folder as {what}, {'got a file' if path.exists() else 'not found'}: {path}"
        )
    return path


# --- progress -------------------------------------------------------------------------------------------

_LOG_LINE = "{desc}: {n_fmt}/{total_fmt} {unit} [{elapsed}<{remaining}, {rate_fmt}{postfix}]"


class _LinePerUpdate:
    """A stream for tqdm that is no terminal: each update becomes a line of its own."""

    def write(self, text: str) -> None:
        text = text.replace("\r", "").strip()
        if text:
            sys.stderr.write(text + "\n")

    def flush(self) -> None:
        sys.stderr.flush()


def progress(
    total: int | None, description: str, unit: str, initial: int = 0, log_seconds: float = 10.0
) -> tqdm:
    """A progress bar with rate and time to go: one updating line, or a log's line each `log_seconds`."""
    terminal = sys.stderr.isatty()
    columns = 0  # which some terminals say; then tqdm would write nothing
    with contextlib.suppress(OSError, ValueError):  # Windows' NUL is a terminal, but has no size
        columns = os.get_terminal_size(sys.stderr.fileno()).columns if terminal else 0
    dimensions = {"dynamic_ncols": True} if columns else {"ncols": 80, "nrows": 24} if terminal else {}
    return tqdm(
        total=total,
        desc=description,
        unit=unit,
        initial=initial,
        **dimensions,
        mininterval=0.2 if terminal else log_seconds,
        maxinterval=max(log_seconds, 10.0),
        miniters=1,
        file=sys.stderr if terminal else _LinePerUpdate(),
        bar_format=None if terminal else _LOG_LINE,
    )
