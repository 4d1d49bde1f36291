"""Recordings as a folder of PNGs, and single snapshots."""

import contextlib
import errno
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from face2face import files, metadata
from face2face.output import provenance, recording_place


class ImageFolder:
    """A folder that gets each picture as 1.png, 2.png, ...

    No other recording writes to it until it is closed, and a file that somebody puts there stays as it is.

    Attributes:
        path: Of the folder.
        has_pictures: Whether any picture has been written.
    """

    def __init__(self, path: Path) -> None:
        """Make the folder.

        Raises:
            UserError: If another program records to it.
            OSError: If it cannot be made.
        """
        path.mkdir(parents=True, exist_ok=True)
        self._lock = contextlib.ExitStack()
        self._lock.enter_context(files.only_writer(path, "--record"))
        self.path, self._count, self._date = path, 0, metadata.now()
        self.has_pictures = False
        self._identity = recording_place.identity(path)

    def write(self, picture: np.ndarray, seconds: float) -> None:
        """Write the next picture.

        Args:
            picture: uint8 (H, W, 3), RGB.
            seconds: Its time in the source, which file names do not tell.

        Raises:
            OSError: If it cannot be written, or another file has its name; no part of it stays.
        """
        self._count += 1
        write_picture(self.path / f"{self._count}.png", picture, self._date)
        self.has_pictures = True

    def is_there(self) -> bool:
        """Whether the folder is still the one that was made."""
        return recording_place.identity(self.path) == self._identity

    def close(self) -> None:
        """Let others write to the folder, and check that it is still there.

        Raises:
            OSError: If it was removed or replaced.
        """
        self._lock.close()
        recording_place.check_unchanged(self.path, self._identity)


def write_picture(path: Path, picture: np.ndarray, date: str) -> None:
    """Write uint8 (H, W, 3), RGB, as a PNG with provenance metadata of an ISO 8601 date.

    Raises:
        OSError: If it cannot be written, or a file is there already; no part of it stays.
    """
    data = provenance.png(picture, date)
    unfinished = path.with_name(f".{path.name}")  # hidden: no program takes it for a whole picture
    with _new(unfinished) as made:
        made.write_bytes(data)
        with _new(path) as place:  # to replace whatever is there could destroy a file that is not ours
            os.replace(made, place)


@contextlib.contextmanager
def _new(path: Path) -> Iterator[Path]:
    """Make an empty file, which is removed again if the context fails.

    Raises:
        FileExistsError: If the name is taken; what has it stays.
        OSError: If it cannot be made.
    """
    try:
        path.open("xb").close()
    except FileExistsError:
        said = f"another file has the name {path.name}"
        raise FileExistsError(errno.EEXIST, said, str(path)) from None
    try:
        yield path
    except BaseException:
        path.unlink(missing_ok=True)
        raise
