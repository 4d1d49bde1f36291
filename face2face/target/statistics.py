"""`target.json`: what is known of the target's face. Made in training, carried along into the frozen graph.

    {"format_version": 1, "image_size": 256, "drawing": "white",
     "videos": [{"name": "franck.mp4", "frame_size": [360, 288], "fps": 24.0, "window": [61, 0, 288],
                 "frames": [12, 24, ...]}],    what it was trained on
     "face": {"neutral": [[x, y], ...68],      at rest, in model space
              "motion": [[low, high], ...4],   of the head: shift x and y, log of scale, roll
              "components": [[...136], ...],   principal directions of expression, of length 1
              "ranges": [[low, high], ...],    along each of them
              "residual": 4.2,                 the length of what they leave unexplained, at most
              "shut_eyes": 0.36,               openness of shut eyes, over that at rest
              "open_mouth": 0.28}}             openness of the mouth at its widest, over the eyes' distance

Without landmarks to measure (pairs from elsewhere, the original's graphs) there is no "face".
"""

import json
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import numpy as np

from face2face import cli, files, records
from face2face.face.crop import CropBox
from face2face.face.drawing import ORIGINAL_DRAWING
from face2face.face.geometry import SimilarityTransform, eye_aspect_ratio, mouth_openness, mouth_width
from face2face.face.landmarks import POINTS
from face2face.target import target_content
from face2face.target.sidecar import Sidecar
from face2face.target.target_content import FaceContent

FILE_NAME = "target.json"

NEUTRAL_SHARE = 0.2
"""The share of the target's frames, the calmest, whose median is the neutral face."""

MAX_COMPONENTS = 24
EXPLAINED = 0.995
"""Principal directions are kept until they explain that share of the variance."""

SHUT_PERCENTILE = 1.0
"""Of the openness of the eyes: people blink in a few frames of a hundred."""

RANGE_PERCENTILES = (0.5, 99.5)
"""What is taken for the range of a measure: the few frames beyond may be detector's errors."""


@dataclass(frozen=True)
class TargetFace:
    """The statistics of a face's landmarks in model space. Expression is what an undone pose leaves.

    neutral: float (68, 2). motion: float (4, 2). components: float (K, 136), relative to the neutral face.
    ranges: float (K, 2). residual: in pixels, over all 136 coordinates together. shut_eyes: the detector
    leaves a gap between shut lids; this is it, as a share of the gap at rest. open_mouth: the widest.
    """

    neutral: np.ndarray
    motion: np.ndarray
    components: np.ndarray
    ranges: np.ndarray
    residual: float
    shut_eyes: float
    open_mouth: float

    @classmethod
    def measure(cls, points: np.ndarray) -> "TargetFace":
        """Of float (N, 68, 2), the same face in N pictures, in model space."""
        neutral = neutral_face(points)
        poses = [SimilarityTransform.estimate(neutral, face) for face in points]
        shapes = np.array([pose.apply_inverse(face) for pose, face in zip(poses, points, strict=True)])
        expressions = (shapes - neutral).reshape(len(points), -1)
        # Directions from the neutral face, not from the mean: no expression at all is 0 along each.
        _, spread, components = np.linalg.svd(expressions, full_matrices=False)
        explained = np.cumsum(spread**2) / max(np.sum(spread**2), 1e-12)
        kept = min(int(np.searchsorted(explained, EXPLAINED)) + 1, MAX_COMPONENTS, len(components))
        components = components[:kept]
        along = expressions @ components.T
        left = np.linalg.norm(expressions - along @ components, axis=1)
        shut = np.percentile(eye_aspect_ratio(shapes), SHUT_PERCENTILE) / eye_aspect_ratio(neutral)
        return cls(
            neutral,
            _range(np.array([head_motion(pose, neutral) for pose in poses])),
            components,
            _range(along),
            float(np.percentile(left, RANGE_PERCENTILES[1])),
            float(min(shut, 1.0)),
            float(np.percentile(mouth_openness(shapes), RANGE_PERCENTILES[1])),
        )

    def to_content(self) -> dict:
        return {
            "neutral": np.round(self.neutral.astype(float), 3).tolist(),
            "motion": np.round(self.motion, 5).tolist(),
            "components": np.round(self.components, 5).tolist(),
            "ranges": np.round(self.ranges, 3).tolist(),
            "residual": round(self.residual, 3),
            "shut_eyes": round(self.shut_eyes, 4),
            "open_mouth": round(self.open_mouth, 4),
        }

    @classmethod
    def from_content(cls, content: FaceContent) -> "TargetFace":
        return cls(
            np.array(content.neutral),
            np.array(content.motion),
            np.array(content.components).reshape(-1, 2 * POINTS),
            np.array(content.ranges).reshape(-1, 2),
            content.residual,
            content.shut_eyes,
            content.open_mouth,
        )


@dataclass(frozen=True)
class Target:
    """What a generator knows of its target.

    image_size: side of model space. drawing: the style it reads. videos: what it was trained on, as in
    the sidecar, each with its "frames". face: None if its landmarks are unknown.
    """

    image_size: int
    drawing: str = ORIGINAL_DRAWING
    face: TargetFace | None = None
    videos: list[dict] = field(default_factory=list)

    @classmethod
    def measure(cls, sidecar: Sidecar, image_size: int) -> "Target":
        """The statistics of the images that a sidecar speaks of, which are in model space."""
        entries = list(sidecar.images.values())
        videos = [
            video.to_content() | {"frames": sorted(e.frame for e in entries if e.video == index)}
            for index, video in enumerate(sidecar.videos)
        ]
        face = TargetFace.measure(np.array([entry.points for entry in entries]))
        return cls(image_size, sidecar.drawing, face, videos)

    def neutral_in(self, clip: str, frame_size: tuple[int, int]) -> np.ndarray | None:
        """The neutral face in pixels of a clip's frames, float (68, 2), if training frames came from it."""
        for video in self.videos if self.face is not None else []:
            if video["name"] == clip and tuple(video["frame_size"]) == tuple(frame_size):
                window = CropBox(*video["window"]) if video["window"] else CropBox.centre(*frame_size)
                return window.points_back(self.face.neutral, self.image_size)
        return None

    def to_json(self) -> str:
        content = {
            "format_version": target_content.FORMAT_VERSION,
            "image_size": self.image_size,
            "drawing": self.drawing,
            "videos": self.videos,
        }
        if self.face is not None:
            content["face"] = self.face.to_content()
        return json.dumps(content)

    @classmethod
    def from_json(cls, text: str | bytes, where: str) -> "Target":
        """Raises: UserError that names `where`, if the text is not what `to_json` writes."""
        content = target_content.decode(text, where)
        face = TargetFace.from_content(content.face) if content.face else None
        return cls(content.image_size, content.drawing, face, msgspec.to_builtins(content.videos))

    def write(self, folder: Path) -> None:
        """Write it into a folder. Raises: UserError if another file is in its place."""
        files.write_text(folder / FILE_NAME, self.to_json() + "\n", _is_ours)


def read(folder: Path) -> Target | None:
    """A folder's `target.json`, or None: pairs from elsewhere have no landmarks to measure.

    Raises:
        UserError: if it is damaged, or not of this project.
    """
    path = folder / FILE_NAME
    if not path.is_file():
        return None
    return Target.from_json(bytes(records.read(path, msgspec.Raw, target_content.WHAT)), str(path))


def _is_ours(path: Path) -> bool:
    """Whether a file is a `target.json`."""
    try:
        Target.from_json(path.read_bytes(), str(path))
    except (OSError, cli.UserError):
        return False
    return True


def head_motion(pose: SimilarityTransform, neutral: np.ndarray) -> np.ndarray:
    """A pose against the neutral face as (shift x, shift y, log of scale, roll), about the face's middle."""
    middle = neutral.mean(axis=0)
    return np.array([*(pose.apply(middle) - middle), np.log(pose.scale), pose.roll])


def neutral_face(points: np.ndarray) -> np.ndarray:
    """The face at rest, where it mostly is: mouth shut and relaxed, eyes open.

    Args:
        points: float (N, 68, 2), the same face in N pictures.
    Returns:
        float (68, 2): the median shape of the calmest frames, at the median pose of all.
    """
    median = np.median(points, axis=0)
    poses = [SimilarityTransform.estimate(median, face) for face in points]
    shapes = np.array([pose.apply_inverse(face) for pose, face in zip(poses, points, strict=True)])
    unrest = _spread(mouth_openness(shapes)) + _spread(mouth_width(shapes))
    unrest += _spread(-np.minimum(eye_aspect_ratio(shapes), np.median(eye_aspect_ratio(shapes))))
    calm = shapes[np.argsort(unrest)[: max(1, round(len(shapes) * NEUTRAL_SHARE))]]
    return np.median(calm, axis=0).astype(np.float64)


def _spread(values: np.ndarray) -> np.ndarray:
    """Values as 0 (the calmest tenth) to 1 (the liveliest)."""
    low, high = np.percentile(values, [10, 90])
    return np.clip((values - low) / max(high - low, 1e-6), 0, None)


def _range(values: np.ndarray) -> np.ndarray:
    """float (N, K) -> (K, 2), low and high; 0, which is the neutral face, always lies within."""
    low, high = np.percentile(values, RANGE_PERCENTILES, axis=0)
    return np.stack([np.minimum(low, 0.0), np.maximum(high, 0.0)], axis=1)
