"""Where frames come from: a video file, a folder of images, and by their names all the other sources."""

import re
from collections.abc import Container, Iterator
from pathlib import Path

import cv2

from face2face.cli import UserError
from face2face.frames import FALLBACK_FPS, Frame, Source, plausible
from face2face.streams import open_camera_source, open_stream

IMAGE_ENDINGS = (".png", ".jpg", ".jpeg", ".bmp", ".webp")


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
    Raises: UserError if it is not there, or is there and cannot be decoded.
    """
    is_camera = re.fullmatch(r"\d+", spec)
    if end is not None and end <= start:
        raise UserError(f"expected --end after --start, got --start {start:g} --end {end:g}")
    if (start or end is not None) and not Path(spec).is_file():
        raise UserError(f"--start and --end are for video files, got {spec}")
    if (camera_size or camera_fps) and not is_camera:
        raise UserError(f"--camera-size and --camera-fps are for cameras, got {spec}")
    if is_camera:
        return open_camera_source(int(spec), camera_size, camera_fps)
    if "://" in spec:
        return open_stream(spec)
    if Path(spec).is_dir():
        return FolderSource(Path(spec))
    if Path(spec).is_file():
        return FileSource(Path(spec), start, end)
    raise UserError(f"expected a video file, a camera's number, a stream's address or a folder, got '{spec}'")


class FileSource(Source):
    """A video file, through OpenCV."""

    def __init__(self, path: Path, start: float = 0.0, end: float | None = None):
        self.name = path.name
        self._path, self.start, self.end = path, start, end
        self._capture = self._open()
        self._is_fresh = True
        self.fps = plausible(self._capture.get(cv2.CAP_PROP_FPS), 1, 1000) or FALLBACK_FPS
        count = plausible(self._capture.get(cv2.CAP_PROP_FRAME_COUNT), 1, 1e9)
        self.frame_count = int(count) if count else None

    def _open(self) -> cv2.VideoCapture:
        capture = cv2.VideoCapture(str(self._path))
        if capture.isOpened():
            return capture
        capture.release()
        raise UserError(f"expected a video, got a file that cannot be decoded: {self._path}")

    def frames(self, wanted: Container[int] | None = None) -> Iterator[Frame]:
        if not self._is_fresh:
            self._capture.release()
            self._capture = self._open()
        self._is_fresh = False
        number = 0
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
