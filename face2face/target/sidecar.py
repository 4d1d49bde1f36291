"""`landmarks.json`: where the points of a folder's images stand. Beside drawings, and on with them.

{"format_version": 1,
 "drawing": "white",                       the style, a key of drawing.DRAWINGS
 "videos": [{"name": "franck.mp4", "frame_size": [360, 288], "fps": 24.0,
             "window": [61, 0, 288]}],     left, top, side in the frame; null: whole frames
 "images": {"1.png": {"video": 0, "frame": 12, "points": [[x, y], ...68]}}}    pixels of that image
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Annotated

import msgspec
import numpy as np

from face2face import cli, files, records
from face2face.face.crop import CropBox
from face2face.face.drawing import DRAWINGS, ORIGINAL_DRAWING
from face2face.face.geometry import interocular_distance

FILE_NAME = "landmarks.json"
FORMAT_VERSION = 1

MIN_INTEROCULAR_DISTANCE = 1.0
"""In pixels: where the eyes are in one place, the points are no face, and nothing can be measured on them."""

_DECIMALS = 3  # of a pixel: far below what a drawing can show


@dataclass(frozen=True)
class Video:
    """A clip that images were taken from. window: left, top, side in its frames; None: whole frames."""

    name: str
    frame_size: tuple[int, int]
    fps: float
    window: tuple[int, int, int] | None

    def to_content(self) -> dict:
        return asdict(self)


@dataclass(frozen=True)
class Entry:
    """One image: its video (an index into `Sidecar.videos`), frame number and points, float32 (68, 2)."""

    video: int
    frame: int
    points: np.ndarray

    def in_window(self, window: CropBox, size: int) -> "Entry":
        """The same image cut to a window and scaled to `size`."""
        return replace(self, points=window.points(self.points, size))


@dataclass(frozen=True)
class Sidecar:
    videos: list[Video]
    images: dict[str, Entry] = field(default_factory=dict)
    drawing: str = ORIGINAL_DRAWING

    def write(self, folder: Path) -> None:
        """Write it into a folder. Raises: UserError if another file is in its place."""
        images = {
            name: {
                "video": entry.video,
                "frame": entry.frame,
                "points": np.round(entry.points.astype(float), _DECIMALS).tolist(),
            }
            for name, entry in self.images.items()
        }
        content = {
            "format_version": FORMAT_VERSION,
            "drawing": self.drawing,
            "videos": [video.to_content() for video in self.videos],
            "images": images,
        }
        files.write_text(folder / FILE_NAME, records.encode(content, indent=0), is_ours)

    def only(self, names: Iterable[str]) -> "Sidecar":
        """The part that speaks of these images."""
        return replace(self, images={name: self.images[name] for name in names if name in self.images})


# --- the file's schema ----------------------------------------------------------------------------------

_FileName = Annotated[str, msgspec.Meta(max_length=255, pattern=r"^(?!\.{1,2}$)[^/\\\x00-\x1f\x7f]+$")]
_VideoName = Annotated[str, msgspec.Meta(max_length=255, pattern=r"^[^/]*$")]
_Side = Annotated[int, msgspec.Meta(ge=1, le=10**5)]
_Corner = Annotated[int, msgspec.Meta(ge=-(10**5), le=10**5)]
Number = Annotated[int, msgspec.Meta(ge=0, le=10**9)]


class _Head(msgspec.Struct):
    format_version: int


class VideoContent(msgspec.Struct):
    """A video in the file, and in `target.json`."""

    name: _VideoName
    frame_size: tuple[_Side, _Side]
    fps: Annotated[float, msgspec.Meta(gt=0, le=1e4)]
    window: tuple[_Corner, _Corner, _Side] | None


class _EntryContent(msgspec.Struct):
    video: Number
    frame: Number
    points: records.Points


class _Content(msgspec.Struct):
    drawing: str
    videos: list[VideoContent]
    images: dict[_FileName, _EntryContent]


def read(folder: Path) -> Sidecar | None:
    """A folder's sidecar, or None if it has none: pairs may come from elsewhere.

    Raises:
        UserError: if it is there and is not what this module writes.
    """
    path = folder / FILE_NAME
    return _read(path) if path.is_file() else None


def is_ours(path: Path) -> bool:
    """Whether a file is a sidecar."""
    try:
        _read(path)
    except (OSError, cli.UserError):
        return False
    return True


def _read(path: Path) -> Sidecar:
    what = "what generate_train_data.py writes"
    version = records.read(path, _Head, what).format_version
    if version != FORMAT_VERSION:
        raise cli.UserError(f"{path}: expected format version {FORMAT_VERSION}, got {version}")
    content = records.read(path, _Content, what)
    if content.drawing not in DRAWINGS:
        drawing = cli.shown(content.drawing)
        raise cli.UserError(f"{path}: expected a drawing of {sorted(DRAWINGS)}, got '{drawing}'")
    for name, entry in content.images.items():
        if entry.video >= len(content.videos):
            count = len(content.videos)
            raise cli.UserError(
                f"{path}: expected a video below {count}, got {entry.video} of {cli.shown(name)}"
            )
    images = {
        name: Entry(entry.video, entry.frame, np.array(entry.points, np.float32))
        for name, entry in content.images.items()
    }
    for name, entry in images.items():
        if (distance := float(interocular_distance(entry.points))) < MIN_INTEROCULAR_DISTANCE:
            raise cli.UserError(
                f"expected the landmarks of faces, got eyes that are {distance:.1f} pixels apart of "
                f"{cli.shown(name)}: {path}"
            )
    videos = [Video(v.name, v.frame_size, v.fps, v.window) for v in content.videos]
    return Sidecar(videos, images, content.drawing)
