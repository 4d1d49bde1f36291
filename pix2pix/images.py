"""Pictures in the networks' range, [-1, 1], and shape, square; RGB. `pictures` reads and writes files."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from face2face.cli import UserError

HALF_RANGE = 127.5
"""Levels of uint8 for a difference of 1 in the networks' range."""


def by_stem(paths: Iterable[Path]) -> dict[str, Path]:
    """Image files by their names without suffix, for outputs that get the name of their source.

    Raises:
        UserError: If two names differ only in the suffix: their outputs would have one name.
    """
    found: dict[str, Path] = {}
    for path in paths:
        if path.stem in found:
            raise UserError(f"expected one image named {path.stem}, got two: {found[path.stem]} and {path}")
        found[path.stem] = path
    return found


def normalise(picture: Any) -> Any:
    """Map values from [0, 255] to [-1, 1], in a float array or tensor."""
    return picture / HALF_RANGE - 1.0


def to_levels(picture: Any) -> Any:
    """Undo `normalise`: from [-1, 1] to [0, 255], not rounded, in a float array or tensor."""
    return (picture + 1.0) * HALF_RANGE


def denormalise(picture: np.ndarray) -> np.ndarray:
    """Map values from [-1, 1] to uint8, rounded and clipped."""
    return np.clip(np.rint(to_levels(np.asarray(picture, np.float32))), 0, 255).astype(np.uint8)


def stretch(picture: np.ndarray, aspect_ratio: float) -> np.ndarray:
    """Undo `squeeze`: (S, S, 3) -> (S, S * aspect_ratio, 3)."""
    if aspect_ratio == 1:
        return picture
    size = picture.shape[0]
    return cv2.resize(picture, (max(1, round(size * aspect_ratio)), size), interpolation=cv2.INTER_CUBIC)


def shrink(picture: np.ndarray, side: int) -> np.ndarray:
    """Average a picture, (H, W, 3), over areas, to `side` pixels in each direction in which it has more."""
    height, width = (min(length, side) for length in picture.shape[:2])
    if picture.shape[:2] == (height, width):
        return picture
    return cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)


def squeeze(picture: np.ndarray, size: int) -> np.ndarray:
    """Scale a whole picture of any aspect ratio to a square, (size, size, 3)."""
    if picture.shape[:2] == (size, size):
        return picture
    return cv2.resize(picture, (size, size), interpolation=cv2.INTER_AREA)
