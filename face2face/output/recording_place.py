"""The file that a recording is written to; it replaces an earlier recording only when it is complete."""

import errno
import itertools
import os
from pathlib import Path

from face2face import files, metadata
from face2face.cli import UserError


def is_recording(path: Path) -> bool:
    """Whether a file is a video that this project recorded, by the comment in its metadata."""
    import av

    try:
        with av.open(os.path.abspath(path), metadata_errors="replace") as container:
            tags = container.metadata.items()
            return any(key.lower() == "comment" and metadata.is_comment(text) for key, text in tags)
    except (av.FFmpegError, OSError, ValueError):  # no video at all
        return False


def is_being_recorded(path: Path) -> bool:
    """Whether a program is recording to a file or folder now: each one locks its own."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except OSError:  # there is none, or it is a folder on Windows
        return False
    try:
        files.lock(descriptor)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def free_path(path: Path) -> Path:
    """The path, or the first of path-2, path-3, ... that does not exist."""
    numbered = (path.with_name(f"{path.stem}-{number}{path.suffix}") for number in itertools.count(2))
    return next(each for each in itertools.chain([path], numbered) if not os.path.lexists(each))


class RecordingPlace:
    """The place of one recording.

    Where no file was, the recording is written under its own name, so that a killed program leaves what was
    recorded. An earlier recording stays until the new one is complete; till then that is written beside it.

    Attributes:
        file: The file to write to.
    """

    def __init__(self, path: Path) -> None:
        """Make the file, empty.

        Raises:
            UserError: If something else than an earlier recording is at `path`.
            OSError: If the system refuses.
        """
        files.check_replaceable(path, is_recording)
        self._path = path
        # A link stays, and the file that it points to is replaced.
        self._target = Path(os.path.realpath(path))
        self._replaced = _state(self._target)
        unfinished = self._target.with_name(f"{path.stem}.unfinished{path.suffix}")
        self.file = free_path(unfinished) if self._replaced else self._target
        self.file.parent.mkdir(parents=True, exist_ok=True)
        self._locked = self.file.open("xb")
        files.lock(self._locked.fileno())
        self._identity = identity(self.file)

    @property
    def path(self) -> Path:
        """Where the recording is now, in the user's own words if it is at the path that was asked for."""
        if self.file == self._target:
            return self._path
        return self.file if self._path.is_symlink() else self._path.with_name(self.file.name)

    def is_there(self) -> bool:
        """Whether the file is still the one that was made."""
        return identity(self.file) == self._identity

    def check_unchanged(self) -> None:
        """Check that the file is still the one that was made.

        Raises:
            OSError: If it was removed or replaced.
        """
        check_unchanged(self.file, self._identity)

    def unlock(self) -> None:
        """Let others write to the file."""
        self._locked.close()

    def replace_earlier(self) -> None:
        """Let the recording, which is complete, replace an earlier one.

        Raises:
            UserError: If something else than that recording is there by now. The new one stays beside it.
        """
        if self._replaced:
            if _state(self._target) not in (None, self._replaced):
                raise UserError(f"another program has written to {self._path} meanwhile")
            os.replace(self.file, self._target)
            self.file = self._target

    def remove(self) -> None:
        """Remove the file, in which nothing is."""
        self.unlock()
        self.file.unlink(missing_ok=True)


def identity(path: Path) -> tuple[int, int] | None:
    """The device and inode of a file or folder; None if there is none."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _state(path: Path) -> tuple[int, ...] | None:
    """What changes with each write to a file; None if there is none."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


def check_unchanged(path: Path, expected: tuple[int, int] | None) -> None:
    """Check that a file or folder has the `identity` that it had.

    Raises:
        OSError: If it was removed or replaced.
    """
    if identity(path) != expected:
        raise OSError(errno.ENOENT, "it was deleted or replaced while it was recorded", str(path))
