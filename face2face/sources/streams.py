"""Cameras and streams: what comes when it comes, goes away, and comes back by itself."""

import os
import threading
import time
from collections.abc import Callable, Container, Iterator

import cv2

from face2face import cli
from face2face.cli import UserError
from face2face.sources import cameras
from face2face.sources.base import FALLBACK_FPS, Frame, Source, plausible

PAUSES = (0.5, 1.0, 2.0, 4.0, 8.0)
"""Seconds before each try to reach a source again; the last is kept."""

STALLED_MS = 5000
"""A stream that sends nothing for so long is opened again."""


def open_camera_source(number: str, size: tuple[int, int] | None = None, fps: float | None = None) -> Source:
    """Raises: UserError if it is not there, is held by another program, or cannot be asked for that."""
    index = cameras.check(number, size, fps)
    return LiveSource(f"camera {index}", lambda: cameras.open_camera(index, size, fps))


def open_stream(address: str) -> Source:
    """Raises: UserError if it cannot be read."""
    return LiveSource(address, lambda: _open_address(address))


def _open_address(address: str) -> cv2.VideoCapture:
    patience = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, STALLED_MS, cv2.CAP_PROP_READ_TIMEOUT_MSEC, STALLED_MS]
    capture = cv2.VideoCapture(os.fsencode(address), cv2.CAP_FFMPEG, patience)
    if not capture.isOpened():
        capture.release()
        raise UserError(f"stream cannot be read: {address}")
    return capture


ENDED = 0.95
"""A file's address that stops after this share of its frames is at its end: headers are not exact."""


class LiveSource(Source):
    """A camera or a stream. Without pictures it is opened again and again, until they come or it is closed.

    The address of a file is a stream that ends.
    """

    live = True

    def __init__(self, name: str, open_capture: Callable[[], cv2.VideoCapture]):
        """open_capture: raises UserError while there is nothing to open."""
        self.name = name
        self._open = open_capture
        self._capture = open_capture()
        self._lock = threading.Lock()  # a capture may not be released while it is read
        self._closed = threading.Event()
        self.fps = plausible(self._capture.get(cv2.CAP_PROP_FPS), 1, 1000) or FALLBACK_FPS
        length = plausible(self._capture.get(cv2.CAP_PROP_FRAME_COUNT), 1, 1e9)
        self._length = int(length) if length else None
        self.clock = time.monotonic()
        self._attempt = 0

    def frames(self, wanted: Container[int] | None = None) -> Iterator[Frame]:
        number, seen = 0, None
        while not self._closed.is_set():
            wants = wanted is None or number in wanted
            ok, picture = self._read(wants)
            if ok:
                self._is_back()
                if wants:
                    yield Frame(number, time.monotonic() - self.clock, picture)
                number += 1
                continue
            is_over = self._length and (number == seen or number >= ENDED * self._length)
            if is_over or not self._reopen():
                return
            if self._length:  # it begins anew: up to here it was seen
                seen = number
                for _ in range(number):
                    self._read(False)

    def _read(self, wants: bool) -> tuple:
        with self._lock:
            if self._closed.is_set() or not self._capture.grab():
                return False, None
            return self._capture.retrieve() if wants else (True, None)

    def _is_back(self) -> None:
        if self.state:
            cli.warn(f"{self.name} is back")
        self.state, self._attempt = "", 0

    def _reopen(self) -> bool:
        """Try until it is open again, with growing pauses; False if it was closed meanwhile."""
        if not self.state:
            self.state = f"{self.name} sends no pictures: waiting for it"
            cli.warn(self.state)
        while not self._closed.wait(PAUSES[min(self._attempt, len(PAUSES) - 1)]):
            self._attempt += 1
            with self._lock:
                self._capture.release()
                try:
                    self._capture = self._open()
                    return True
                except UserError:  # not yet
                    pass
        return False

    def stop(self) -> None:
        self._closed.set()

    def close(self) -> None:
        self.stop()
        with self._lock:
            self._capture.release()
