"""Where frames come from: a camera, a video file, a stream, a folder of images. The only capturing code."""

import re
import time
from abc import ABC, abstractmethod
from collections.abc import Container, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from face2face.cli import UserError

FALLBACK_FPS = 25.0
"""Assumed where a source does not tell: folders of images, some cameras and streams."""

IMAGE_ENDINGS = (".png", ".jpg", ".jpeg", ".bmp", ".webp")


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
    """

    name: str
    live: bool = False
    fps: float = FALLBACK_FPS
    frame_count: int | None = None
    start: float = 0.0
    end: float | None = None

    @abstractmethod
    def frames(self, wanted: Container[int] | None = None) -> Iterator[Frame]:
        """Each frame, or each whose number is in `wanted`. A file may be gone through more than once."""

    def close(self) -> None:  # noqa: B027
        """Free the camera or the file."""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def open_source(spec: str, start: float = 0.0, end: float | None = None) -> Source:
    """Open a camera index ("0"), a video file, a stream's address or a folder of images.

    Args:
        start, end: seconds; the part of a file that is used.
    Raises: UserError if it is not there, or is there and cannot be decoded.
    """
    if end is not None and end <= start:
        raise UserError(f"expected --end after --start, got --start {start:g} --end {end:g}")
    if re.fullmatch(r"\d+", spec):
        source = CaptureSource(int(spec), f"camera {spec}", live=True)
    elif "://" in spec:
        source = CaptureSource(spec, spec, live=True)
    elif Path(spec).is_dir():
        return FolderSource(Path(spec))
    elif Path(spec).is_file():
        return CaptureSource(spec, Path(spec).name, live=False, start=start, end=end)
    else:
        raise UserError(
            f"expected a video file, a camera's number, a stream's address or a folder, got '{spec}'"
        )
    if start or end is not None:
        source.close()
        raise UserError(f"--start and --end are for video files, got {source.name}")
    return source


class CaptureSource(Source):
    """A camera, file or stream, through OpenCV."""

    def __init__(
        self, handle: int | str, name: str, live: bool, start: float = 0.0, end: float | None = None
    ):
        self.name, self.live = name, live
        self._handle, self.start, self.end = handle, start, end
        self._capture = self._open()
        self._is_fresh = True
        self.fps = _plausible(self._capture.get(cv2.CAP_PROP_FPS), 1, 1000) or FALLBACK_FPS
        if not live:
            count = _plausible(self._capture.get(cv2.CAP_PROP_FRAME_COUNT), 1, 1e9)
            self.frame_count = int(count) if count else None

    def _open(self) -> cv2.VideoCapture:
        capture = cv2.VideoCapture(self._handle)
        if capture.isOpened():
            return capture
        capture.release()
        if isinstance(self._handle, int):
            raise UserError(
                f"{self.name} cannot be opened: is it plugged in, and not used by another program?"
            )
        what = "stream cannot be read" if self.live else "expected a video, got a file that cannot be decoded"
        raise UserError(f"{what}: {self._handle}")

    def frames(self, wanted: Container[int] | None = None) -> Iterator[Frame]:
        if not self._is_fresh and not self.live:
            self._capture.release()
            self._capture = self._open()
        self._is_fresh = False
        opened = time.monotonic()
        number = 0
        while self._capture.grab():
            seconds = time.monotonic() - opened if self.live else self._time_stamp(number)
            if self.end is not None and seconds >= self.end:
                return
            if seconds >= self.start and (wanted is None or number in wanted):
                ok, picture = self._capture.retrieve()
                if not ok or picture is None:
                    break
                yield Frame(number, seconds, picture)
            number += 1
        if isinstance(self._handle, int):
            raise UserError(f"{self.name} stopped sending pictures after {number} frames")
        if number == 0:
            raise UserError(
                f"expected a video, got a file without a single frame that can be decoded: {self.name}"
            )

    def _time_stamp(self, number: int) -> float:
        seconds = self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
        return seconds if seconds > 0 else number / self.fps

    def close(self) -> None:
        self._capture.release()


class FolderSource(Source):
    """The images of a folder, in the order of the numbers in their names."""

    def __init__(self, folder: Path):
        self.name = folder.name
        self._paths = image_paths(folder)
        if not self._paths:
            raise UserError(f"expected images ({', '.join(IMAGE_ENDINGS)}), got none in the folder {folder}")
        self.frame_count = len(self._paths)

    def frames(self, wanted: Container[int] | None = None) -> Iterator[Frame]:
        for number, path in enumerate(self._paths):
            if wanted is None or number in wanted:
                picture = cv2.imread(str(path), cv2.IMREAD_COLOR)
                if picture is None:
                    raise UserError(f"expected an image, got a file that cannot be decoded: {path}")
                yield Frame(number, number / self.fps, picture)


def image_paths(folder: Path) -> list[Path]:
    """The images of a folder, sorted as a person would: 2.png before 10.png."""
    paths = [p for p in folder.iterdir() if p.suffix.lower() in IMAGE_ENDINGS and not p.name.startswith(".")]
    return sorted(paths, key=lambda p: natural_order(p.name))


def natural_order(name: str) -> list:
    """A sorting key that compares runs of digits by their value."""
    return [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in re.split(r"(\d+)", name)]


def _plausible(value: float, low: float, high: float) -> float | None:
    """What a header says, or None where it says nonsense (0, NaN, -9e18)."""
    return value if low <= value <= high else None
