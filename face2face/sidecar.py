"""`landmarks.json`: where the points of a folder's images stand. Beside drawings, and on with them.

{"format_version": 1,
 "drawing": "white",                       the style, a key of drawing.DRAWINGS
 "videos": [{"name": "franck.mp4", "frame_size": [360, 288], "fps": 24.0,
             "window": [61, 0, 288]}],     left, top, side in the frame; null: whole frames
 "images": {"1.png": {"video": 0, "frame": 12, "points": [[x, y], ...68]}}}    pixels of that image
"""

import json
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np

from face2face.cli import UserError
from face2face.drawing import DRAWINGS, ORIGINAL_DRAWING
from face2face.framing import Window
from face2face.landmarks import POINTS

FILE_NAME = "landmarks.json"
FORMAT_VERSION = 1

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

    def in_window(self, window: Window, size: int) -> "Entry":
        """The same image cut to a window and scaled to `size`."""
        return replace(self, points=window.points(self.points, size))


@dataclass(frozen=True)
class Sidecar:
    videos: list[Video]
    images: dict[str, Entry] = field(default_factory=dict)
    drawing: str = ORIGINAL_DRAWING

    def write(self, folder: Path) -> None:
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
        (folder / FILE_NAME).write_text(json.dumps(content))

    def only(self, names) -> "Sidecar":
        """The part that speaks of these images."""
        return replace(self, images={name: self.images[name] for name in names if name in self.images})


def read(folder: Path) -> Sidecar | None:
    """A folder's sidecar, or None if it has none: pairs may come from elsewhere.

    Raises: UserError if it is there and is not what this module writes.
    """
    path = folder / FILE_NAME
    if not path.is_file():
        return None
    try:
        content = json.loads(path.read_text())
        version = content["format_version"]
        if version != FORMAT_VERSION:
            raise UserError(f"{path}: expected format version {FORMAT_VERSION}, got {version}")
        if content["drawing"] not in DRAWINGS:
            raise UserError(f"{path}: expected a drawing of {sorted(DRAWINGS)}, got '{content['drawing']}'")
        images = {
            name: Entry(e["video"], e["frame"], np.array(e["points"], np.float32).reshape(POINTS, 2))
            for name, e in content["images"].items()
        }
        return Sidecar([Video(**video) for video in content["videos"]], images, content["drawing"])
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(f"{path}: damaged, or not written by generate_train_data.py ({error!r})") from None
