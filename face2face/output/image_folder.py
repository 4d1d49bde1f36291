"""Recordings as a folder of PNGs, and single snapshots."""

import os
from pathlib import Path

import numpy as np

from face2face import metadata
from face2face.output import provenance, recording_place


class ImageFolder:
    """A folder that gets each picture as 1.png, 2.png, ...

    Attributes:
        path: Of the folder.
        has_pictures: Whether any picture has been written.
    """

    def __init__(self, path: Path) -> None:
        """Make the folder.

        Raises:
            OSError: If it cannot be made.
        """
        path.mkdir(parents=True, exist_ok=True)
        self.path, self._count, self._date = path, 0, metadata.now()
        self.has_pictures = False
        self._identity = recording_place.identity(path)

    def write(self, picture: np.ndarray, seconds: float) -> None:
        """Write the next picture.

        Args:
            picture: uint8 (H, W, 3), RGB.
            seconds: Its time in the source, which file names do not tell.

        Raises:
            OSError: If it cannot be written; no part of it stays.
        """
        self._count += 1
        write_picture(self.path / f"{self._count}.png", picture, self._date)
        self.has_pictures = True

    def is_there(self) -> bool:
        """Return whether the folder is still the one that was made."""
        return recording_place.identity(self.path) == self._identity

    def close(self) -> None:
        """Check that the folder is still there.

        Raises:
            OSError: If it was removed or replaced.
        """
        recording_place.check_unchanged(self.path, self._identity)


def write_picture(path: Path, picture: np.ndarray, date: str) -> None:
    """Write uint8 (H, W, 3), RGB, as a PNG with provenance metadata of an ISO 8601 date.

    Raises:
        OSError: If it cannot be written; no part of it stays.
    """
    unfinished = path.with_name(f".{path.name}")  # hidden, so that half a picture is never taken for one
    try:
        unfinished.write_bytes(provenance.png(picture, date))
        os.replace(unfinished, path)
    except OSError:
        unfinished.unlink(missing_ok=True)
        raise
