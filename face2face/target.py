"""`target.json`: what is known of the target's face. Made in training, carried along into the frozen graph.

{"format_version": 1, "image_size": 256, "drawing": "white",
 "count": 320,                             images it was measured on
 "neutral": [[x, y], ...68]}               the face at rest, in model space
"""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from face2face.cli import UserError
from face2face.geometry import Pose, eye_openness, mouth_openness, mouth_width
from face2face.landmarks import DEFAULT_DRAWING, DRAWINGS, POINTS
from face2face.sidecar import Sidecar

FILE_NAME = "target.json"
FORMAT_VERSION = 1

_NEUTRAL_SHARE = 0.2
"""The share of the target's frames, the calmest, whose median is the neutral face."""


@dataclass(frozen=True)
class Target:
    """image_size: side of model space. drawing: the style. neutral: float32 (68, 2), None if unknown."""

    image_size: int
    drawing: str = DEFAULT_DRAWING
    neutral: np.ndarray | None = None
    count: int = 0

    @classmethod
    def measure(cls, sidecar: Sidecar, image_size: int) -> "Target":
        """The statistics of the images that a sidecar speaks of, which are in model space."""
        points = np.array([entry.points for entry in sidecar.images.values()])
        return cls(image_size, sidecar.drawing, neutral_face(points), len(points))

    def to_json(self) -> str:
        content = {
            "format_version": FORMAT_VERSION,
            "image_size": self.image_size,
            "drawing": self.drawing,
            "count": self.count,
        }
        if self.neutral is not None:
            content["neutral"] = np.round(self.neutral.astype(float), 3).tolist()
        return json.dumps(content)

    @classmethod
    def from_json(cls, text: str, where: str) -> "Target":
        """Raises: UserError that names `where`, if the text is not what `to_json` writes."""
        try:
            content = json.loads(text)
            if content["format_version"] != FORMAT_VERSION:
                raise UserError(
                    f"{where}: expected version {FORMAT_VERSION}, got {content['format_version']}"
                )
            if content["drawing"] not in DRAWINGS:
                raise UserError(
                    f"{where}: expected a drawing of {sorted(DRAWINGS)}, got {content['drawing']}"
                )
            neutral = content.get("neutral")
            if neutral is not None:
                neutral = np.array(neutral, np.float32).reshape(POINTS, 2)
            return cls(int(content["image_size"]), content["drawing"], neutral, int(content["count"]))
        except (ValueError, KeyError, TypeError) as error:
            raise UserError(f"{where}: damaged, or not written by this project ({error!r})") from None

    def write(self, folder: Path) -> None:
        (folder / FILE_NAME).write_text(self.to_json() + "\n")


def read(folder: Path) -> Target | None:
    """A folder's `target.json`, or None: pairs from elsewhere have no landmarks to measure."""
    path = folder / FILE_NAME
    return Target.from_json(path.read_text(), str(path)) if path.is_file() else None


def neutral_face(points: np.ndarray) -> np.ndarray:
    """The face at rest, where it mostly is: mouth shut and relaxed, eyes open.

    Args:
        points: float32 (N, 68, 2), the same face in N pictures.
    Returns:
        float32 (68, 2): the median shape of the calmest frames, at the median pose of all.
    """
    median = np.median(points, axis=0)
    poses = [Pose.between(median, face) for face in points]
    shapes = np.array([pose.undo(face) for pose, face in zip(poses, points, strict=True)])
    unrest = _spread(mouth_openness(shapes)) + _spread(mouth_width(shapes))
    unrest += _spread(-np.minimum(eye_openness(shapes), np.median(eye_openness(shapes))))
    calm = shapes[np.argsort(unrest)[: max(1, round(len(shapes) * _NEUTRAL_SHARE))]]
    return np.median(calm, axis=0).astype(np.float32)


def _spread(values: np.ndarray) -> np.ndarray:
    """Values as 0 (the calmest tenth) to 1 (the liveliest)."""
    low, high = np.percentile(values, [10, 90])
    return np.clip((values - low) / max(high - low, 1e-6), 0, None)
