"""Where a recording is written: to its own name, or beside an earlier recording until it can replace it."""

import errno
import itertools
import os
from pathlib import Path

from face2face import files
from face2face.output import provenance


def is_recording(path: Path) -> bool:
    """Whether this project recorded a video file: the comment in its metadata says so."""
    import av

    try:
        with av.open(str(path), metadata_errors="replace") as container:
            said = container.metadata.items()
            return any(key.lower() == "comment" and provenance.is_comment(text) for key, text in said)
    except (av.FFmpegError, OSError, ValueError):  # no video at all
        return False


def free(path: Path) -> Path:
    """The path, or the first of path-2, path-3, ... if there is something."""
    numbered = (path.with_name(f"{path.stem}-{number}{path.suffix}") for number in itertools.count(2))
    return next(each for each in itertools.chain([path], numbered) if not os.path.lexists(each))


class Place:
    """The place of one recording.

    file: what is written. Where nothing was it is the recording itself, so that a program that is killed
    leaves what there is of it. An earlier recording stays until this one is whole, which has a name beside it
    till then.
    """

    def __init__(self, path: Path):
        """Make the file, empty.

        Raises:
            UserError: if something else than an earlier recording is there.
            OSError: if the system refuses.
        """
        files.check_replaceable(path, is_recording)
        self._path = path
        self._target = Path(os.path.realpath(path))  # a link stays, and what it points to is replaced
        self._replaces = self._target.exists()
        unfinished = self._target.with_name(f"{path.stem}.unfinished{path.suffix}")
        self.file = free(unfinished) if self._replaces else self._target
        self.file.parent.mkdir(parents=True, exist_ok=True)
        self.file.open("xb").close()
        self._identity = identity(self.file)

    @property
    def path(self) -> Path:
        """Where the recording is: as the user calls it if it is there."""
        if self.file == self._target:
            return self._path
        return self.file if self._path.is_symlink() else self._path.with_name(self.file.name)

    def is_there(self) -> bool:
        """Whether the file is still the one that was made."""
        return identity(self.file) == self._identity

    def check(self) -> None:
        """Raises: OSError if it is not."""
        check_unchanged(self.file, self._identity)

    def end(self) -> None:
        """Let the recording, which is whole, take the place of an earlier one."""
        if self._replaces:
            files.check_replaceable(self._target, is_recording)
            os.replace(self.file, self._target)
            self.file = self._target

    def clear(self) -> None:
        """Remove the file, in which nothing is."""
        self.file.unlink(missing_ok=True)


def identity(path: Path) -> tuple[int, int] | None:
    """Device and inode of what is there; None if nothing is."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def check_unchanged(path: Path, expected: tuple[int, int] | None) -> None:
    """Raises: OSError if something else is at `path` than what had that identity, or nothing."""
    if identity(path) != expected:
        raise OSError(errno.ENOENT, "it was deleted or replaced while it was recorded", str(path))
