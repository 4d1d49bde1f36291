"""The child process in which a reader meets its inputs: with limits, measured, and with a verdict on each.

A crash of native code, a hang or a full memory ends this process, and not the one that chooses the inputs.
"""

import contextlib
import faulthandler
import os
import re
import resource
import shutil
import sys
import time
import traceback
from collections.abc import Callable, Collection
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

MAX_SECONDS = 10.0
MAX_BYTES = 2**30
"""Of memory that one input may add at its peak."""

_DATA_LIMIT = 2 * MAX_BYTES
"""Beyond it the system refuses memory: twice what is allowed, so that what is too much is measured first."""

ACCEPTED, TOLD, TRACEBACK, CHANGED, TOO_MUCH = "accepted", "told", "traceback", "changed", "too much"

Place = Callable[[Path, object], Collection[str]]
"""Writes an input into an empty folder; returns the names, relative to it, of files that may change."""


@dataclass(frozen=True)
class Verdict:
    """kind: one of the five above. text: what a reader said, or the fault. memory: bytes that were added."""

    kind: str
    text: str = ""
    seconds: float = 0.0
    memory: int = 0

    @property
    def is_fault(self) -> bool:
        return self.kind not in (ACCEPTED, TOLD)


def serve(connection: Connection, scratch: Path, seconds: float) -> None:
    """Answer each (place, read, input) with a `Verdict` until the other side closes."""
    errors = (scratch / "stderr").open("w+b")
    os.dup2(errors.fileno(), 2)
    faulthandler.enable(errors)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    folder = scratch / "case"
    while True:
        try:
            place, read, data = connection.recv()
        except EOFError:
            return
        os.ftruncate(2, 0)
        os.lseek(2, 0, os.SEEK_SET)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        may_change = place(folder, data)
        faulthandler.dump_traceback_later(seconds, file=errors)  # of a hang, where it is
        verdict = _judge(folder, may_change, read, seconds)
        faulthandler.cancel_dump_traceback_later()
        said = (scratch / "stderr").read_text(errors="replace")
        if not verdict.is_fault and "Traceback" in said:  # of a thread
            verdict = Verdict(TRACEBACK, said, verdict.seconds, verdict.memory)
        connection.send(verdict)


def _judge(
    folder: Path, may_change: Collection[str], read: Callable[[Path], None], most_seconds: float
) -> Verdict:
    from face2face.cli import Incomplete, UserError

    before = snapshot(folder)
    resident = _status("VmRSS")
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (_status("VmData") + _DATA_LIMIT, hard))
    began = time.perf_counter()
    kind, text = ACCEPTED, ""
    try:
        read(folder)
    except (UserError, Incomplete) as error:
        kind, text = TOLD, str(error)
        if not re.fullmatch(r"[ -~]+", text):
            kind, text = TRACEBACK, f"an error's text that is no line of printable ASCII: {text!a}"
    except BaseException:
        kind, text = TRACEBACK, traceback.format_exc()
    seconds = time.perf_counter() - began
    memory = max(_status("VmHWM") - resident, 0)
    after = snapshot(folder)
    changed = [n for n, state in before.items() if n not in may_change and after.get(n) != state]
    left = [n for n in after if n not in before and "/.face2face." in f"/{n}"]
    if kind != TRACEBACK and (changed or left):
        kind, text = CHANGED, f"changed: {changed}, left behind: {left}; {text}"
    elif kind != TRACEBACK and (seconds > most_seconds or memory > MAX_BYTES):
        kind, text = TOO_MUCH, f"{seconds:.1f} s, {memory >> 20} MB; {text}"
    return Verdict(kind, text, seconds, memory)


def snapshot(folder: Path) -> dict[str, tuple]:
    """What is in a folder, by relative name: kind, content, mode and time of change."""
    found = {}
    for path in folder.rglob("*"):
        state = path.lstat()
        if path.is_symlink():
            content = os.readlink(path)
        elif path.is_file():
            content = (path.read_bytes(), state.st_mtime_ns)
        else:
            content = ""
        found[path.relative_to(folder).as_posix()] = (state.st_mode, content)
    return found


def _status(key: str) -> int:
    """A figure of this process, in bytes."""
    text = Path("/proc/self/status").read_text()
    return int(text.split(f"{key}:")[1].split()[0]) << 10


def main(connection: Connection, scratch: Path, seconds: float) -> None:
    """The process's target."""
    sys.setswitchinterval(0.001)
    with contextlib.suppress(KeyboardInterrupt, BrokenPipeError):
        serve(connection, scratch, seconds)
