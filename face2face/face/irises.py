"""Gaze: where an iris is in its eye."""

from collections.abc import Callable

import numpy as np

from face2face.face.geometry import EYE_CORNERS


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
