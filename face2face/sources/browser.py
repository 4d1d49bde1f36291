"""A browser's camera as the source: its page sends one JPEG after the other."""

import threading
import time
from collections.abc import Container, Iterator

import av
import numpy as np

from face2face.sources.base import Frame, Source

FPS = 30.0
"""What pages ask their cameras for."""

MAX_PIXELS = 1920 * 1920
"""Of a picture: a small file can hold a huge one."""

_ALONE_SECONDS = 2.0  # so long after its last picture a page keeps others out
_SCAN = b"\xff\xda"  # a JPEG's marker before each pass over the picture; its data never hold these two bytes


class BrowserSource(Source):
    """Frames that `put` brings, from any thread; who is slower than they come gets the newest."""

    live = True
    name = "the browser's camera"
    fps = FPS

    def __init__(self):
        self.clock = time.monotonic()
        self.state = "waiting for a browser's camera: open the page"
        self._putting = threading.Lock()  # one picture is decoded at a time, however many pages send some
        self._changed = threading.Condition()
        self._newest: np.ndarray | None = None
        self._stopped = False
        self._page, self._heard = "", -_ALONE_SECONDS

    def put(self, data: bytes, page: str) -> str:
        """Take a JPEG file from a page; why it is not taken, or "".

        page: whatever tells one page from another: one at a time is the camera.
        """
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


def decode(data: bytes) -> np.ndarray:
    """Decode a JPEG file of at most `MAX_PIXELS` in one scan, as browsers write it.

    FFmpeg's decoder refuses a size that is over the limit itself, before it takes memory for it. A size that
    other code reads from the header is not always the one that the decoder finds there: fill bytes and second
    headers are read differently. Many scans of a few bytes each would keep the decoder busy for minutes.

    Returns: uint8 (H, W, 3), BGR.
    Raises:
        ValueError: if it is another file, too large, or damaged.
    """
    if data.count(_SCAN) != 1:
        raise ValueError("expected a JPEG of one scan")
    decoder = av.CodecContext.create("mjpeg", "r")
    decoder.options = {"max_pixels": str(MAX_PIXELS), "err_detect": "explode"}
    decoder.thread_count = 1
    try:
        (picture,) = decoder.decode(av.Packet(data)) or decoder.decode(None)
        return picture.to_ndarray(format="bgr24")
    except (av.FFmpegError, ValueError):  # ValueError: no picture, or of a form that is not converted
        raise ValueError(f"expected a JPEG of at most {MAX_PIXELS} pixels, undamaged") from None
