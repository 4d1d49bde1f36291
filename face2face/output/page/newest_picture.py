"""The newest picture as a JPEG file, for any number of waiting threads."""

import threading

import numpy as np

from face2face import metadata
from face2face.output import provenance

JPEG_QUALITY = 85

_REPEAT_SECONDS = 2.0
"""Without a new picture for so long the last one is sent again: a write fails if the client has gone."""


class NewestPicture:
    """Holds the last picture that was written, and encodes it once for all readers.

    Attributes:
        is_closed: Whether no further picture comes; nobody waits any more then.
    """

    def __init__(self) -> None:
        self.is_closed = False
        self._changed = threading.Condition()
        self._picture: np.ndarray | None = None
        self._number = 0
        self._encoding = threading.Lock()
        self._encoded: tuple[int, bytes] = (0, b"")
        self._date = metadata.now()

    def write(self, picture: np.ndarray) -> None:
        """Make uint8 (H, W, 3), RGB, the newest picture; the array must not be changed afterwards."""
        with self._changed:
            self._picture = picture
            self._number += 1
            self._changed.notify_all()

    def read(self, after: int) -> tuple[int, bytes]:
        """Wait for a picture that is newer than a number.

        Args:
            after: The number of the last picture that the caller has, 0 for none.

        Returns:
            The newest picture's number and JPEG file. After some seconds without a newer one it is the same
            picture again; the number is 0 and the file is empty while there is no picture at all.
        """
        with self._changed:
            self._changed.wait_for(lambda: self.is_closed or self._number > after, _REPEAT_SECONDS)
        with self._encoding:
            with self._changed:
                number, picture = self._number, self._picture
            if picture is not None and self._encoded[0] != number:
                self._encoded = (number, provenance.jpeg(picture, self._date, JPEG_QUALITY))
            return self._encoded

    def close(self) -> None:
        """End the wait of all readers."""
        with self._changed:
            self.is_closed = True
            self._changed.notify_all()
