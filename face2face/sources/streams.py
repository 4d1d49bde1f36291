"""Cameras and streams as live sources, which are opened again when they fail."""

import os
import threading
import time
from collections.abc import Callable, Container, Iterator
from urllib.parse import urlsplit

import cv2
import numpy as np

from face2face import cli
from face2face.cli import UserError
from face2face.sources import cameras
from face2face.sources.base import FALLBACK_FPS, WHOLE, Frame, Source, plausible

PAUSES = (0.5, 1.0, 2.0, 4.0, 8.0)
"""Seconds before each attempt to open a source again; further attempts use the last."""

STALLED_MS = 5000
"""A stream that sends nothing for this many milliseconds is opened again."""

CLOSE_SECONDS = 1.0
"""How long closing waits for a picture that is being read; a silent camera gives none for longer."""


def open_camera_source(number: str, size: tuple[int, int] | None = None, fps: float | None = None) -> Source:
    """Open a camera as a source.

    Args:
        number: The camera's index, in decimal digits.
        size: Width and height in pixels to ask for; None: the camera's default.
        fps: Frames per second to ask for; None: the camera's default.

    Raises:
        UserError: If it is not there, is held by another program, or size or rate are out of range.
    """
    index = cameras.check(number, size, fps)
    return LiveSource(f"camera {index}", lambda: cameras.open_camera(index, size, fps))


def open_stream(address: str) -> Source:
    """Open a stream as a source.

    Args:
        address: A URL that FFmpeg can read.

    Raises:
        UserError: If it cannot be read.
    """
    return LiveSource(short_name(address), lambda: _open_address(address))


def short_name(address: str) -> str:
    """A stream's name: the last part of its address's path, or the host, without user, password and query."""
    try:
        parts = urlsplit(address)
    except ValueError:  # it is no address
        return "stream"
    return parts.path.rpartition("/")[2] or parts.hostname or "stream"


def _open_address(address: str) -> cv2.VideoCapture:
    timeouts = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, STALLED_MS, cv2.CAP_PROP_READ_TIMEOUT_MSEC, STALLED_MS]
    capture = cv2.VideoCapture(os.fsencode(address), cv2.CAP_FFMPEG, timeouts)
    if not capture.isOpened():
        capture.release()
        raise UserError(f"stream cannot be read: {address}")
    return capture


class LiveSource(Source):
    """A camera or a stream. When no picture comes, it is opened again until one comes or it is closed.

    A file that is read by its address is a stream that ends.
    """

    live = True

    def __init__(self, name: str, open_capture: Callable[[], cv2.VideoCapture]) -> None:
        """Open it for the first time.

        Args:
            name: For messages.
            open_capture: Opens the camera or stream; raises UserError while that is not possible.
        """
        self.name = name
        self._open = open_capture
        self._capture = open_capture()
        self._lock = threading.Lock()  # a capture must not be released while it is read
        self._closed = threading.Event()
        self.fps = plausible(self._capture.get(cv2.CAP_PROP_FPS), 1, 1000) or FALLBACK_FPS
        length = plausible(self._capture.get(cv2.CAP_PROP_FRAME_COUNT), 1, 1e9)
        self._length = int(length) if length else None
        self.clock = time.monotonic()
        self._attempt = 0

    def frames(self, wanted: Container[int] | None = None) -> Iterator[Frame]:
        """Yield frames until the source is closed. See `Source.frames`."""
        number, seen = 0, None
        while not self._closed.is_set():
            wants = wanted is None or number in wanted
            ok, picture, captured = self._read(wants)
            if ok:
                self._is_back()
                if wants:
                    yield Frame(number, time.monotonic() - self.clock, picture, captured)
                number += 1
                continue
            is_over = self._length and (number == seen or number >= WHOLE * self._length)
            if is_over or not self._reopen():
                return
            if self._length:  # a file begins again: the frames that were yielded are skipped
                seen = number
                for _ in range(number):
                    self._read(False)

    def _read(self, wants: bool) -> tuple[bool, np.ndarray | None, float]:
        """Read a frame, decoded only if `wants`: whether there was one, its picture, its capture time."""
        with self._lock:
            if self._closed.is_set() or not self._capture.grab():
                return False, None, 0.0
            captured = time.perf_counter()
            return (*(self._capture.retrieve() if wants else (True, None)), captured)

    def _is_back(self) -> None:
        if self.state:
            cli.warn(f"{self.name} is back")
        self.state, self._attempt = "", 0

    def _reopen(self) -> bool:
        """Try to open it, with growing pauses, until it is open; False if it was closed meanwhile."""
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
                except UserError:
                    pass
        return False

    def stop(self) -> None:
        """Make `frames` end soon. Any thread may call it."""
        self._closed.set()

    def close(self) -> None:
        """Stop, and free the camera or the connection.

        One that is being read and gives nothing is left to the thread that reads it.
        """
        self.stop()
        if self._lock.acquire(timeout=CLOSE_SECONDS):
            try:
                self._capture.release()
            finally:
                self._lock.release()
