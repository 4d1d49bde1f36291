"""A browser's camera as a source: its page sends a JPEG file for each frame."""

import threading
import time
from collections.abc import Container, Iterator

import numpy as np

from face2face.sources.base import Frame, Source

FPS = 30.0
"""Frames per second that the page asks its camera for."""

MAX_PIXELS = 1920 * 1920
"""Largest picture that is decoded: a small file can hold a huge one."""

_ALONE_SECONDS = 2.0  # after a page's last picture, the pictures of other pages are refused for this long
_SCAN = b"\xff\xda"  # JPEG's start-of-scan marker, which never occurs in the compressed data


class BrowserSource(Source):
    """Yields the newest picture that `put` was given; a picture that a newer one overtakes is lost."""

    live = True
    name = "the browser's camera"
    fps = FPS

    def __init__(self) -> None:
        self.clock = time.monotonic()
        self.state = "waiting for a browser's camera: open the page"
        self._putting = threading.Lock()  # one picture is decoded at a time, however many pages send some
        self._changed = threading.Condition()
        self._newest: tuple[np.ndarray, float] | None = None  # with its time of arrival
        self._stopped = False
        self._page, self._heard = "", -_ALONE_SECONDS

    def put(self, data: bytes, page: str) -> str:
        """Take a JPEG file from a page.

        Args:
            data: The file's bytes.
            page: Identifier of the page. Only one page at a time is the camera.

        Returns:
            Why the picture was refused, or "".
        """
        arrived = time.perf_counter()
        with self._putting:
            now = time.monotonic()
            if page != self._page and now - self._heard < _ALONE_SECONDS:
                return "another page is the camera"
            try:
                picture = decode(data)
            except ValueError as error:
                return str(error)
            self._page, self._heard = page, now
        with self._changed:
            self._newest = picture, arrived
            self._changed.notify()
        return ""

    def frames(self, wanted: Container[int] | None = None) -> Iterator[Frame]:
        """Yield the newest picture, as soon as there is one. See `Source.frames`."""
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
                (picture, arrived), self._newest = self._newest, None
                self.state = ""
            if wanted is None or number in wanted:
                yield Frame(number, time.monotonic() - self.clock, picture, arrived)
            number += 1

    def _has_something(self) -> bool:
        return self._stopped or self._newest is not None

    def stop(self) -> None:
        """Make `frames` end at once. Any thread may call it."""
        with self._changed:
            self._stopped = True
            self._changed.notify()


def decode(data: bytes) -> np.ndarray:
    """Decode a JPEG file of at most `MAX_PIXELS` in one scan, as browsers write it.

    The limit is checked by FFmpeg's decoder itself, before it allocates memory: fill bytes and second headers
    can make another parser read another size from the same file. Files of several scans are refused, because
    many scans of a few bytes each would keep the decoder busy for minutes.

    Args:
        data: The file's bytes.

    Returns:
        uint8 (H, W, 3), BGR.

    Raises:
        ValueError: If it is another file, too large, or damaged.
    """
    if data.count(_SCAN) != 1:
        raise ValueError("expected a JPEG of one scan")
    import av

    decoder = av.CodecContext.create("mjpeg", "r")
    decoder.options = {"max_pixels": str(MAX_PIXELS), "err_detect": "explode"}
    decoder.thread_count = 1
    try:
        (picture,) = decoder.decode(av.Packet(data)) or decoder.decode(None)
        return picture.to_ndarray(format="bgr24")
    except (av.FFmpegError, ValueError):  # ValueError: no picture, or a pixel format that is not converted
        raise ValueError(f"expected a JPEG of at most {MAX_PIXELS} pixels, undamaged") from None
