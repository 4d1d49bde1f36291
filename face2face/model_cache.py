"""What took long to find out about a model file, kept in the user's cache folder from one start to the next.

A folder for each file's content, by its hash: a moved or copied model is known again, a changed one is not.
"""

import contextlib
import hashlib
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

MAX_BYTES = 2_000_000_000
"""Of all folders together: beyond, those that were not used for longest are deleted."""

PLACES = ("XDG_CACHE_HOME", "LOCALAPPDATA")
"""The environment's variables that tell where a system keeps caches."""

_NOTES = "notes.json"


def root() -> Path:
    """The project's folder among the user's caches, where the system keeps those."""
    if sys.platform == "win32":
        base = os.environ.get(PLACES[1]) or Path.home() / "AppData" / "Local"
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = os.environ.get(PLACES[0]) or Path.home() / ".cache"
    return Path(base) / "face2face"


class ModelCache:
    """What is kept about the content of some files. Where nothing can be kept, everything is made anew."""

    def __init__(self, files: Iterable[Path]):
        digest = hashlib.sha256()
        for file in files:
            with file.open("rb") as content:
                while block := content.read(1 << 20):
                    digest.update(block)
        self._folder = root() / digest.hexdigest()
        with contextlib.suppress(OSError):  # not there yet
            os.utime(self._folder)

    def folder(self, name: str, make: Callable[[Path], None]) -> Path | None:
        """A folder that `make` fills if it is not there yet; None if it cannot be written."""
        path = self._folder / name
        if path.is_dir():
            return path
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(prefix=f".{name}.", dir=self._folder) as scratch:
                unfinished = Path(scratch) / name
                unfinished.mkdir()
                make(unfinished)
                with contextlib.suppress(OSError):  # another start was quicker
                    unfinished.rename(path)
            _prune(self._folder)
        except OSError:
            return None
        return path if path.is_dir() else None

    def note(self, key: str) -> dict | None:
        """What was written down under a key."""
        try:
            found = json.loads((self._folder / _NOTES).read_text()).get(key)
        except (OSError, ValueError, AttributeError):
            return None
        return found if isinstance(found, dict) else None

    def write_note(self, key: str, content: dict) -> None:
        with contextlib.suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True)
            try:
                notes = dict(json.loads((self._folder / _NOTES).read_text()))
            except (OSError, ValueError, TypeError):
                notes = {}
            with tempfile.NamedTemporaryFile("w", dir=self._folder, delete=False) as unfinished:
                json.dump(notes | {key: content}, unfinished, indent=2)
            os.replace(unfinished.name, self._folder / _NOTES)


def _prune(keep: Path) -> None:
    """Delete folders, the longest unused first, until the rest is small enough."""
    folders = [path for path in root().iterdir() if path.is_dir()]
    sizes = {path: sum(file.stat().st_size for file in path.rglob("*") if file.is_file()) for path in folders}
    total = sum(sizes.values())
    for path in sorted(folders, key=lambda path: path.stat().st_mtime):
        if total > MAX_BYTES and path != keep:
            shutil.rmtree(path, ignore_errors=True)
            total -= sizes[path]
