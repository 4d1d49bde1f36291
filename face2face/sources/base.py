"""What a source of pictures is, whatever they come from."""

import os
from abc import ABC, abstractmethod
from collections.abc import Container, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

FALLBACK_FPS = 25.0
"""Assumed where a source does not tell: folders of images, some cameras and streams."""


@dataclass(frozen=True)
class Frame:
    """One picture of a source.

    number: its place in the whole source, from 0.
    seconds: its time stamp; in a file from the file's start, live from the source's opening.
    picture: uint8 (H, W, 3), BGR, at full resolution.
    """

    number: int
    seconds: float
    picture: np.ndarray


class Source(ABC):
    """Frames in order of time. A context manager: leaving it frees the camera or the file.

    live: frames come when they come and cannot be read again (a camera, a stream).
    fps: nominal frames per second.
    frame_count: how many frames there seem to be by the file's header, which may be wrong; None if unknown.
    start, end: seconds; the part of a file that is used. None: to its end.
    state: what the user should know while no frame comes, or "". Another thread may read it.
    clock: of a live source, `time.monotonic()` at its second 0.
    shortfall: once `frames` has ended, why they were fewer than there should be, or "".
    """

    name: str
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
        """Each frame, or each whose number is in `wanted`. A file may be gone through more than once."""

    def stop(self) -> None:  # noqa: B027
        """Let `frames` end soon, also where it waits for a frame. Any thread may ask for it."""

    def close(self) -> None:  # noqa: B027
        """Free the camera or the file."""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def name_of(path: Path) -> str:
    """A file's name as text; a character that is none in UTF-8 becomes a question mark."""
    return as_text(path.name)


def as_text(path: str | Path) -> str:
    """The same of a whole path."""
    return os.fsencode(path).decode(errors="replace")


def plausible(value: float, low: float, high: float) -> float | None:
    """What a header says, or None where it says nonsense (0, NaN, -9e18)."""
    return value if low <= value <= high else None
