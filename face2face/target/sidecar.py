"""The sidecar `landmarks.json`: the landmarks of a folder's images. It is kept next to the drawings.

{"format_version": 2,                      1 without irises
 "drawing": "colour",                      the style, a key of drawing.DRAWINGS
 "videos": [{"name": "franck.mp4", "frame_size": [360, 288], "fps": 24.0,
             "window": [61, 0, 288],       crop box: left, top, side in the frame; null: whole frames
             "frame_count": 4800}],        by a video file's header; left out if unknown, and in older files
 "images": {"1.png": {"video": 0, "frame": 12, "points": [[x, y], ...68],      pixels of the image
                      "irises": [[x, y], null],       left and right eye; null: shut, or in doubt
                      "line_width": 2.5}}}      of the drawing "original", pixels of the image

"irises" are there if they were looked for, and then they are drawn. Readers of version 1 alone would leave
them out of the drawing, so a file with them has the next version.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated

import msgspec
import numpy as np

from face2face import cli, files, records
from face2face.face.crop import CropBox
from face2face.face.drawing import DRAWINGS, ORIGINAL_DRAWING, draw
from face2face.face.geometry import MIN_INTEROCULAR_DISTANCE, interocular_distance
from face2face.target.video import Number, Video, VideoContent

SIDECAR_NAME = "landmarks.json"

ORIGINAL_FOLDER, LANDMARKS_FOLDER = "original", "landmarks"
"""The two folders of a run of generate_train_data.py. The images of a pair have the same name in both; the
sidecar is in the latter."""

FORMAT_VERSION = 2
"""Of files with irises. Those without have version 1, which older readers know."""

MIN_LINE_WIDTH, MAX_LINE_WIDTH = 0.01, 1000.0
"""In pixels: those of the original's 3 pixels, in frames scaled to any size."""

_DECIMALS = 3  # of a pixel: far below what a drawing can show


@dataclass(frozen=True)
class Entry:
    """The origin and the landmarks of one image.

    Attributes:
        video: Index into `Sidecar.videos`.
        frame: Number of the frame in the video.
        points: float32 (68, 2), in pixels of the image.
        line_width: Width of the drawing's lines in pixels of the image, of a style whose lines are as wide in
            any frame; else None.
        irises: Centres of the left and the right iris, float32 (2, 2), in pixels of the image, NaN of an eye
            that is shut or in doubt; None: they were not looked for.
    """

    video: int
    frame: int
    points: np.ndarray
    line_width: float | None = None
    irises: np.ndarray | None = None

    def draw(self, size: int, style: str) -> np.ndarray:
        """Draw the landmarks of an image of `size` x `size` pixels, as in `drawing.draw`."""
        return draw(self.points, size, style, self.line_width, self.irises)

    def in_crop_box(self, crop_box: CropBox, size: int) -> "Entry":
        """The same image, cut to a crop box and scaled to `size` x `size` pixels."""
        width = self.line_width
        if width is not None:
            width = min(max(width * size / crop_box.side, MIN_LINE_WIDTH), MAX_LINE_WIDTH)
        points = crop_box.points(self.points, size)
        irises = None if self.irises is None else crop_box.points(self.irises, size)
        return replace(self, points=points, line_width=width, irises=irises)


@dataclass(frozen=True)
class Sidecar:
    """The content of `landmarks.json`.

    Attributes:
        videos: The videos that the images were taken from.
        images: For each image its file's name and its entry.
        drawing: Style of the drawings, a key of `drawing.DRAWINGS`.
    """

    videos: list[Video]
    images: dict[str, Entry] = field(default_factory=dict)
    drawing: str = ORIGINAL_DRAWING

    def write(self, folder: Path) -> None:
        """Write `landmarks.json` into a folder.

        Raises:
            UserError: If another file is in its place.
            OSError: If it cannot be written.
        """
        images = {
            name: {
                "video": entry.video,
                "frame": entry.frame,
                "points": np.round(entry.points.astype(float), _DECIMALS).tolist(),
            }
            | ({"line_width": round(entry.line_width, _DECIMALS)} if entry.line_width else {})
            | ({"irises": _irises_to_content(entry.irises)} if entry.irises is not None else {})
            for name, entry in self.images.items()
        }
        has_irises = any(entry.irises is not None for entry in self.images.values())
        content = {
            "format_version": FORMAT_VERSION if has_irises else 1,
            "drawing": self.drawing,
            "videos": [video.to_content() for video in self.videos],
            "images": images,
        }
        files.write_text(folder / SIDECAR_NAME, records.encode(content, indent=0), is_sidecar)

    def source_of(self, name: str) -> tuple[Video, int] | None:
        """The video and the number of the frame that an image is of; None for an unknown image."""
        entry = self.images.get(name)
        return entry and (self.videos[entry.video], entry.frame)

    def check_faces(self, path: Path) -> None:
        """Check that the landmarks are those of faces that can be seen.

        Args:
            path: Of the file, for the message.

        Raises:
            UserError: If the eyes of one are too near to each other.
        """
        for name, entry in self.images.items():
            if (distance := float(interocular_distance(entry.points))) < MIN_INTEROCULAR_DISTANCE:
                raise cli.UserError(
                    f"expected the landmarks of faces, got eyes that are {distance:.1f} pixels apart of "
                    f"{cli.shown(name)}: {path}"
                )

    def only(self, names: Iterable[str]) -> "Sidecar":
        """The sidecar of these images alone."""
        return replace(self, images={name: self.images[name] for name in names if name in self.images})


# --- the file's schema ----------------------------------------------------------------------------------

_FileName = Annotated[str, msgspec.Meta(max_length=255, pattern=r"^(?!\.{1,2}$)[^/\\\x00-\x1f\x7f]+$")]
LineWidth = Annotated[float, msgspec.Meta(ge=MIN_LINE_WIDTH, le=MAX_LINE_WIDTH)]


class _Head(msgspec.Struct):
    """What every version of the file has."""

    format_version: int


class _EntryContent(msgspec.Struct):
    """An image in the file: the fields of `Entry`."""

    video: Number
    frame: Number
    points: records.Points
    line_width: LineWidth | None = None
    irises: tuple[records.Point | None, records.Point | None] | None = None


class _Content(msgspec.Struct):
    """The whole file: the fields of `Sidecar`."""

    drawing: str
    videos: list[VideoContent]
    images: dict[_FileName, _EntryContent]


def read_sidecar(folder: Path) -> Sidecar | None:
    """Read a folder's sidecar.

    Returns:
        None if there is none: pairs may come from elsewhere.

    Raises:
        UserError: If the file is not what this module writes.
        OSError: If the system refuses.
    """
    path = folder / SIDECAR_NAME
    return _read(path) if path.is_file() else None


def is_sidecar(path: Path) -> bool:
    """Whether a file is a sidecar."""
    try:
        _read(path)
    except (OSError, cli.UserError):
        return False
    return True


def _read(path: Path) -> Sidecar:
    what = "what generate_train_data.py writes"
    version = records.read(path, _Head, what).format_version
    if not 1 <= version <= FORMAT_VERSION:
        raise cli.UserError(f"{path}: expected format version 1 to {FORMAT_VERSION}, got {version}")
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
        name: Entry(
            entry.video,
            entry.frame,
            np.array(entry.points, np.float32),
            entry.line_width,
            _irises_from_content(entry.irises),
        )
        for name, entry in content.images.items()
    }
    sidecar = Sidecar([Video.from_content(video) for video in content.videos], images, content.drawing)
    sidecar.check_faces(path)
    return sidecar


def _irises_to_content(irises: np.ndarray) -> list:
    """The irises of an image, float (2, 2), as the file has them."""
    rounded = np.round(irises.astype(float), _DECIMALS)
    return [iris.tolist() if np.isfinite(iris).all() else None for iris in rounded]


def _irises_from_content(content: tuple | None) -> np.ndarray | None:
    if content is None:
        return None
    return np.array([(np.nan, np.nan) if iris is None else iris for iris in content], np.float32)
