"""What all sources of pictures have in common: frames, and the interface of a source."""

import math
import os
import time
from abc import ABC, abstractmethod
from collections.abc import Container, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from face2face.sampling import spread_indices, spread_order

WHOLE = 0.95
"""A file has been read to its end if it stops after this share of its frames or of its time: headers are not
exact."""

FALLBACK_FPS = 25.0
"""Frames per second of a source that does not tell: a folder of images, some cameras and streams."""


@dataclass(frozen=True)
class Frame:
    """One picture of a source.

    Attributes:
        number: Index in the whole source, from 0.
        seconds: Time stamp; in a file from the file's start, live from the source's opening.
        picture: uint8 (H, W, 3), BGR, at full resolution.
        captured: `time.perf_counter()` when the source delivered the frame. Latency is measured from it.
    """

    number: int
    seconds: float
    picture: np.ndarray
    captured: float = field(default_factory=time.perf_counter)


class Source(ABC):
    """Frames in the order of their time stamps. Leaving it as a context manager frees the camera or the file.

    Attributes:
        name: The source's name, for messages.
        file_name: The name of the file or folder that is read; "" of a camera or a stream.
        live: Whether frames come in real time and cannot be read again (a camera, a stream).
        fps: Nominal frames per second.
        frame_count: Number of frames by the file's header, which may be wrong; None if unknown.
        start: Second of a file at which the frames begin.
        end: Second of a file at which the frames end; None: the file's end.
        state: A message for the user while no frame comes, or "". Other threads may read it.
        clock: For a live source, `time.monotonic()` at its time stamp 0.
        shortfall: Once `frames` has ended, why there were fewer frames than expected, or "".
    """

    name: str
    file_name: str = ""
    live: bool = False
    fps: float = FALLBACK_FPS
    frame_count: int | None = None
    start: float = 0.0
    end: float | None = None
    state: str = ""
    clock: float = 0.0
    shortfall: str = ""

    @abstractmethod
    def frames(self, wanted: Container[int] | None = None) -> Iterator[Frame]:
        """Iterate over the frames; over a file, any number of times.

        Args:
            wanted: Numbers of the frames to yield; None: all.
        """

    def span(self) -> range:
        """The numbers of a file's frames between `start` and `end`: by its header, or counted without one."""
        if not self.frame_count:
            numbers = [frame.number for frame in self.frames()]
            return range(min(numbers, default=0), max(numbers, default=-1) + 1)
        end = math.inf if self.end is None else self.end
        # The lesser is taken before it is rounded: a product may be infinite.
        return range(
            math.floor(min(self.start * self.fps, self.frame_count)),
            math.ceil(min(end * self.fps, self.frame_count)),
        )

    def sample(self, count: int) -> Iterator[Frame]:
        """Iterate over about `count` frames, spread over a source that can be read again.

        Any first few of them are spread over it, too, so a caller may stop early. What `frames` returns and
        `shortfall` are not changed by it. A live source has none, nor has one of unknown length.
        """
        for number in self._sample_numbers(count):
            yield from self.frames({number})

    def _sample_numbers(self, count: int) -> list[int]:
        """The numbers of a sample's frames, in the order in which they are read."""
        if self.live or not self.frame_count:
            return []
        span = self.span()
        return spread_order(span[index] for index in spread_indices(len(span), count))

    def stop(self) -> None:  # noqa: B027
        """Make `frames` end soon, even while it waits for a frame. Any thread may call it."""

    def close(self) -> None:  # noqa: B027
        """Free the camera or the file."""

    def __enter__(self) -> "Source":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def name_of(path: Path) -> str:
    """A file's name as text. Bytes that are not UTF-8 become replacement characters."""
    return as_text(path.name)


def as_text(path: str | Path) -> str:
    """A path as text. Bytes that are not UTF-8 become replacement characters."""
    return os.fsencode(path).decode(errors="replace")


def plausible(value: float, low: float, high: float) -> float | None:
    """A header's value, or None if it is outside the range: headers may hold 0, NaN or -9e18."""
    return value if low <= value <= high else None
