"""Where frames come from: a video file, a folder of images, and by their names all the other sources."""

import os
import re
from collections.abc import Container, Iterator
from pathlib import Path

import cv2

from face2face import pictures
from face2face.cli import UserError
from face2face.sources.base import FALLBACK_FPS, Frame, Source, name_of, plausible
from face2face.sources.streams import open_camera_source, open_stream

IMAGE_ENDINGS = (".png", ".jpg", ".jpeg", ".bmp", ".webp")

WHOLE = 0.95
"""A video that ends after this share of its frames and of its time is whole: headers are not exact."""


def open_source(
    spec: str,
    start: float = 0.0,
    end: float | None = None,
    camera_size: tuple[int, int] | None = None,
    camera_fps: float | None = None,
) -> Source:
    """Open a camera index ("0"), a video file, a stream's address or a folder of images.

    Args:
        start, end: seconds; the part of a file that is used.
        camera_size, camera_fps: (width, height) and frames per second to ask a camera for.
    Raises:
        UserError: if it is not there, or is there and cannot be decoded.
    """
    path = source_path(spec)
    is_file = path is not None and path.is_file() and not _is_address(spec)
    if end is not None and end <= start:
        raise UserError(f"expected --end after --start, got --start {start:g} --end {end:g}")
    if (start or end is not None) and not is_file:
        raise UserError(f"--start and --end are for video files, got {spec}")
    if (camera_size or camera_fps) and not _is_camera(spec):
        raise UserError(f"--camera-size and --camera-fps are for cameras, got {spec}")
    if _is_camera(spec):
        return open_camera_source(spec, camera_size, camera_fps)
    if _is_address(spec):
        return open_stream(spec)
    if is_file:
        return FileSource(path, start, end)
    if path is not None:
        return FolderSource(path)
    raise UserError(f"expected a video file, a camera's number, a stream's address or a folder, got '{spec}'")


def source_path(spec: str) -> Path | None:
    """The file or folder that a source reads, if it is one; also of an address as file:///clip.mp4."""
    if _is_camera(spec):
        return None
    path = Path(spec.removeprefix("file:") if _is_address(spec) else spec)  # as FFmpeg reads it
    return path if path.is_file() or path.is_dir() else None


def _is_camera(spec: str) -> bool:
    return re.fullmatch(r"[0-9]+", spec) is not None


def _is_address(spec: str) -> bool:
    return "://" in spec


class FileSource(Source):
    """A video file, through OpenCV."""

    def __init__(self, path: Path, start: float = 0.0, end: float | None = None):
        self.name = name_of(path)
        self._path, self.start, self.end = path, start, end
        self._capture = self._open()
        self._is_fresh = True
        self.fps = plausible(self._capture.get(cv2.CAP_PROP_FPS), 1, 1000) or FALLBACK_FPS
        count = plausible(self._capture.get(cv2.CAP_PROP_FRAME_COUNT), 1, 1e9)
        self.frame_count = int(count) if count else None

    def _open(self) -> cv2.VideoCapture:
        capture = cv2.VideoCapture(os.fsencode(self._path))  # as bytes: a name may be no UTF-8
        if capture.isOpened():
            return capture
        capture.release()
        raise UserError(f"expected a video, got a file that cannot be decoded: {self._path}")

    def frames(self, wanted: Container[int] | None = None) -> Iterator[Frame]:
        if not self._is_fresh:
            self._capture.release()
            self._capture = self._open()
        self._is_fresh = False
        number, seconds = 0, 0.0
        while self._capture.grab():
            seconds = self._time_stamp(number)
            if self.end is not None and seconds >= self.end:
                return
            if seconds >= self.start and (wanted is None or number in wanted):
                ok, picture = self._capture.retrieve()
                if not ok or picture is None:
                    break
                yield Frame(number, seconds, picture)
            number += 1
        if number == 0:
            raise UserError(
                f"expected a video, got a file without a single frame that can be decoded: {self.name}"
            )
        self.shortfall = self._shortfall(number, seconds)

    def _shortfall(self, count: int, seconds: float) -> str:
        """What there is to say of a video that ended after so many frames, the last one at that second."""
        if self.frame_count and count < WHOLE * self.frame_count and seconds < WHOLE * self._length():
            return (
                f"expected {self.frame_count} frames in {self.name}, got {count}: it is damaged or cut short"
            )
        if self.start > seconds:
            return f"expected --start before the end of {self.name}, at {seconds:.1f} s, got {self.start:g}"
        return ""

    def _length(self) -> float:
        """How many seconds of pictures there should be, of which OpenCV knows less than PyAV.

        A clip that was cut without being encoded anew holds frames that are not shown, and a header's count
        of frames may be a guess from rates that are not kept.
        """
        import av

        try:
            with av.open(str(self._path), metadata_errors="replace") as container:
                stream = container.streams.video[0]
                if stream.duration:
                    return float(stream.duration * stream.time_base)
        except (av.FFmpegError, OSError, ValueError, IndexError):  # the file is not what it was
            pass
        return self.frame_count / self.fps

    def _time_stamp(self, number: int) -> float:
        seconds = self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
        return seconds if seconds > 0 else number / self.fps

    def close(self) -> None:
        self._capture.release()


class FolderSource(Source):
    """The images of a folder, in the order of the numbers in their names."""

    def __init__(self, folder: Path):
        self.name = name_of(folder)
        self._paths = image_paths(folder)
        if not self._paths:
            raise UserError(f"expected images ({', '.join(IMAGE_ENDINGS)}), got none in the folder {folder}")
        self.frame_count = len(self._paths)

    def frames(self, wanted: Container[int] | None = None) -> Iterator[Frame]:
        for number, path in enumerate(self._paths):
            if wanted is None or number in wanted:
                picture = cv2.cvtColor(pictures.read(path), cv2.COLOR_RGB2BGR)
                yield Frame(number, number / self.fps, picture)


def image_paths(folder: Path) -> list[Path]:
    """The images of a folder, sorted as a person would: 2.png before 10.png. Folders and pipes are none."""
    paths = [p for p in folder.iterdir() if p.suffix.lower() in IMAGE_ENDINGS and not p.name.startswith(".")]
    return sorted((p for p in paths if p.is_file()), key=lambda p: natural_order(p.name))


def natural_order(name: str) -> list:
    """A sorting key that compares runs of digits by their value."""
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in re.split(r"(\d+)", name)]
