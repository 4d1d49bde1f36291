"""A file played in real time as a source, which behaves as a camera does."""

import threading
import time
from collections.abc import Container, Iterator
from dataclasses import replace

from face2face.sources.base import Frame, Source


class PacedSource(Source):
    """Another source's frames, each available from the moment of its time stamp on, and not earlier.

    The source is live: whoever is late takes the newest frame and loses those in between. So the latency of
    the loop can be measured on the same pictures again and again.
    """

    live = True

    def __init__(self, played: Source) -> None:
        """Play a source; nothing is read yet.

        Args:
            played: A video file or a folder of images. It is closed with this one.
        """
        self._played = played
        self.name, self.file_name = played.name, played.file_name
        self.fps, self.frame_count = played.fps, played.frame_count
        self.start, self.end = played.start, played.end
        self._stopped = threading.Event()

    def frames(self, wanted: Container[int] | None = None) -> Iterator[Frame]:
        """Yield the frames at their times; the first one is available at once. See `Source.frames`.

        A frame is decoded before its time, as a camera's is ready when it is delivered. Only if decoding has
        taken longer does the frame count as captured when it was decoded.
        """
        begun: float | None = None  # `time.perf_counter()` at time stamp 0
        for frame in self._played.frames(wanted):
            decoded = time.perf_counter()
            if begun is None:
                begun = decoded - frame.seconds
                self.clock = time.monotonic() - frame.seconds
            due = begun + frame.seconds
            if self._stopped.wait(max(0.0, due - decoded)):
                return
            yield replace(frame, captured=max(due, decoded))
        self.shortfall = self._played.shortfall

    def stop(self) -> None:
        """Make `frames` end at once, also while it waits. Any thread may call it."""
        self._stopped.set()

    def close(self) -> None:
        """Stop, and close the file."""
        self.stop()
        self._played.close()
