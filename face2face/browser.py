"""A browser's camera as the source: its page sends one JPEG after the other."""

import struct
import threading
import time
from collections.abc import Container, Iterator

import cv2
import numpy as np

from face2face.frames import Frame, Source

FPS = 30.0
"""What pages ask their cameras for."""

LARGEST = 1920 * 1920
"""Pixels of a picture: a small file can hold a huge one."""

_ALONE_SECONDS = 2.0  # so long after its last picture a page keeps others out


class BrowserSource(Source):
    """Frames that `put` brings, from any thread; who is slower than they come gets the newest."""

    live = True
    name = "the browser's camera"
    fps = FPS

    def __init__(self):
        self.clock = time.monotonic()
        self.state = "waiting for a browser's camera: open the page"
        self._changed = threading.Condition()
        self._newest: np.ndarray | None = None
        self._stopped = False
        self._page, self._heard = "", -_ALONE_SECONDS

    def put(self, data: bytes, page: str) -> str:
        """Take a JPEG file from a page; why it is not taken, or "".

        page: whatever tells one page from another: one at a time is the camera.
        """
        size = jpeg_size(data)
        if size is None or size[0] * size[1] > LARGEST or min(size) < 1:
            return f"expected a JPEG of at most {LARGEST} pixels"
        with self._changed:
            now = time.monotonic()
            if page != self._page and now - self._heard < _ALONE_SECONDS:
                return "another page is the camera"
            self._page, self._heard = page, now
        picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
        if picture is None:
            return "expected a JPEG, got a file that cannot be decoded"
        with self._changed:
            self._newest = picture
            self._changed.notify()
        return ""

    def frames(self, wanted: Container[int] | None = None) -> Iterator[Frame]:
        number = 0
        while True:
            with self._changed:
                is_there = self._changed.wait_for(self._has_something, _ALONE_SECONDS)
                if self._stopped:
                    return
                if not is_there:
                    if number:
                        self.state = "the browser's camera sends nothing: is its page open?"
                    continue
                picture, self._newest = self._newest, None
                self.state = ""
            if wanted is None or number in wanted:
                yield Frame(number, time.monotonic() - self.clock, picture)
            number += 1

    def _has_something(self) -> bool:
        return self._stopped or self._newest is not None

    def stop(self) -> None:
        with self._changed:
            self._stopped = True
            self._changed.notify()


def jpeg_size(data: bytes) -> tuple[int, int] | None:
    """Width and height by a JPEG file's header, without decoding it; None if it is no JPEG."""
    at = 2
    if data[:2] != b"\xff\xd8":
        return None
    while at + 9 <= len(data) and data[at] == 0xFF:
        kind, length = struct.unpack(">BH", data[at + 1 : at + 4])
        if 0xC0 <= kind <= 0xCF and kind not in (0xC4, 0xC8, 0xCC):  # a frame's header, of whatever coding
            height, width = struct.unpack(">HH", data[at + 5 : at + 9])
            return width, height
        at += 2 + length
    return None
