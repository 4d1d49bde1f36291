"""What took long to find out about a model file, kept in the user's cache folder from one start to the next.

A folder for each file's content, by its hash: a moved or copied model is known again, a changed one is not.
"""

import contextlib
import hashlib
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

from face2face import cli, records

MAX_BYTES = 2_000_000_000
"""Of all folders together: beyond, those that were not used for longest are deleted."""

PLACES = ("XDG_CACHE_HOME", "LOCALAPPDATA")
"""The environment's variables that tell where a system keeps caches."""

_NOTES = "notes.json"
_UNFINISHED = ".unfinished."
_ABANDONED_SECONDS = 24 * 3600
"""After which a folder that was not finished is one whose process was ended."""

T = TypeVar("T")


def root() -> Path:
    """The project's folder among the user's caches, where the system keeps those."""
    if sys.platform == "win32":
        base = os.environ.get(PLACES[1]) or Path.home() / "AppData" / "Local"
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = os.environ.get(PLACES[0]) or Path.home() / ".cache"
    return Path(base) / "face2face"


class FileCache:
    """What is kept about the content of some files. Where nothing can be kept, everything is made anew.

    digest: the SHA-256 of the content, in hexadecimal digits.
    """

    def __init__(self, files: Iterable[Path]):
        digest = hashlib.sha256()
        for file in files:
            with file.open("rb") as content:
                while block := content.read(1 << 20):
                    digest.update(block)
        self.digest = digest.hexdigest()
        self._folder = root() / self.digest
        with contextlib.suppress(OSError):  # not there yet
            os.utime(self._folder)

    def folder(self, name: str, make: Callable[[Path], None]) -> Path | None:
        """A folder that `make` fills if it is not there yet; None if it cannot be written."""
        path = self._folder / name
        if path.is_dir():
            return path
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(prefix=f"{_UNFINISHED}{name}.", dir=self._folder) as scratch:
                unfinished = Path(scratch) / name
                unfinished.mkdir()
                make(unfinished)
                with contextlib.suppress(OSError):  # another start was quicker
                    unfinished.rename(path)
            _prune(self._folder)
        except OSError:
            return None
        return path if path.is_dir() else None

    def forget(self, name: str) -> None:
        """Delete a folder that turned out to be damaged, or what stands in its place."""
        path = self._folder / name
        shutil.rmtree(path, ignore_errors=True)
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)

    def note(self, key: str, kind: type[T]) -> T | None:
        """What was written down under a key, if it fits a schema."""
        notes = self._notes()
        try:
            return (
                records.decode(records.encode(notes[key]), kind, "a note", _NOTES) if key in notes else None
            )
        except cli.UserError:
            return None

    def write_note(self, key: str, content: object) -> None:
        with contextlib.suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile("w", dir=self._folder, delete=False) as unfinished:
                unfinished.write(records.encode(self._notes() | {key: content}))
            os.replace(unfinished.name, self._folder / _NOTES)

    def _notes(self) -> dict[str, object]:
        """All notes; none if they are damaged: then they are made anew."""
        path = self._folder / _NOTES
        try:
            return records.read(path, dict[str, object], "notes") if path.is_file() else {}
        except (OSError, cli.UserError):
            return {}


def _prune(keep: Path) -> None:
    """Delete folders, the longest unused first, until the rest is small enough."""
    for path in root().glob(f"*/{_UNFINISHED}*"):
        if time.time() - path.stat().st_mtime > _ABANDONED_SECONDS:
            shutil.rmtree(path, ignore_errors=True)
    folders = [path for path in root().iterdir() if path.is_dir()]
    sizes = {path: sum(file.stat().st_size for file in path.rglob("*") if file.is_file()) for path in folders}
    total = sum(sizes.values())
    for path in sorted(folders, key=lambda path: path.stat().st_mtime):
        if total > MAX_BYTES and path != keep:
            shutil.rmtree(path, ignore_errors=True)
            total -= sizes[path]
