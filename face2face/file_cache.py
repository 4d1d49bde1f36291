"""A cache on disk for what is slow to find out about a model file: conversions and measurements.

It lies in the user's cache folder and holds one folder per content, named by its SHA-256: a moved or copied
model is recognised, a changed one is not.
"""

import contextlib
import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

import platformdirs

from face2face import cli, records
from face2face.files import ABANDONED_SECONDS

MAX_BYTES = 2_000_000_000
"""Maximum size of the whole cache: above it, the least recently used folders are deleted."""

_NOTES = "notes.json"
_UNFINISHED = ".unfinished."

T = TypeVar("T")


def root() -> Path:
    """The project's folder in the user's cache folder, wherever the platform keeps that."""
    return platformdirs.user_cache_path("face2face", appauthor=False, opinion=False)


class FileCache:
    """The cache entry of one content. Where the cache cannot be written, everything is computed again.

    Attributes:
        digest: The SHA-256 of the content, in hexadecimal digits.
    """

    def __init__(self, files: Iterable[Path]) -> None:
        """Hash the content of some files, in their order."""
        digest = hashlib.sha256()
        for file in files:
            with file.open("rb") as content:
                while block := content.read(1 << 20):
                    digest.update(block)
        self.digest = digest.hexdigest()
        self._folder = root() / self.digest
        with contextlib.suppress(OSError):  # it does not exist yet
            os.utime(self._folder)  # used now: `_prune` deletes those that have not been used for longest

    def folder(self, name: str, make: Callable[[Path], None]) -> Path | None:
        """A cached folder, made on the first request.

        Args:
            name: Of the folder in this entry.
            make: Fills an empty folder; called only if the cached one does not exist.

        Returns:
            The folder's path, or None if it cannot be written.
        """
        path = self._folder / name
        if path.is_dir():
            return path
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(prefix=f"{_UNFINISHED}{name}.", dir=self._folder) as scratch:
                unfinished = Path(scratch) / name
                unfinished.mkdir()
                make(unfinished)
                with contextlib.suppress(OSError):  # another process was faster
                    unfinished.rename(path)
        except OSError:
            return None
        with contextlib.suppress(OSError):  # another process deletes from the cache, too
            _prune(self._folder)
        return path if path.is_dir() else None

    def forget(self, name: str) -> None:
        """Delete a folder that turned out to be damaged, or the file in its place."""
        path = self._folder / name
        shutil.rmtree(path, ignore_errors=True)
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)

    def note(self, key: str, kind: type[T]) -> T | None:
        """The record that `write_note` stored under a key; None if there is none of this schema.

        Args:
            kind: The schema, as for `records.decode`.
        """
        notes = self._notes()
        try:
            return (
                records.decode(records.encode(notes[key]), kind, "a note", _NOTES) if key in notes else None
            )
        except cli.UserError:
            return None

    def write_note(self, key: str, content: object) -> None:
        """Store a record under a key. Where the cache cannot be written, nothing happens."""
        with contextlib.suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(prefix=_UNFINISHED, dir=self._folder) as scratch:
                unfinished = Path(scratch) / _NOTES
                unfinished.write_text(records.encode(self._notes() | {key: content}), encoding="utf-8")
                os.replace(unfinished, self._folder / _NOTES)

    def _notes(self) -> dict[str, object]:
        """All notes; an empty dict if the file is damaged: they are then measured again."""
        path = self._folder / _NOTES
        try:
            return records.read(path, dict[str, object], "notes") if path.is_file() else {}
        except (OSError, cli.UserError):
            return {}


def _prune(keep: Path) -> None:
    """Delete abandoned folders, and the least recently used ones until the cache is within `MAX_BYTES`."""
    for path in root().glob(f"*/{_UNFINISHED}*"):
        if time.time() - path.stat().st_mtime > ABANDONED_SECONDS:
            shutil.rmtree(path, ignore_errors=True)
    folders = [path for path in root().iterdir() if path.is_dir()]
    sizes = {path: sum(file.stat().st_size for file in path.rglob("*") if file.is_file()) for path in folders}
    total = sum(sizes.values())
    for path in sorted(folders, key=lambda path: path.stat().st_mtime):
        if total > MAX_BYTES and path != keep:
            shutil.rmtree(path, ignore_errors=True)
            total -= sizes[path]
