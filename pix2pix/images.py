"""Pictures in the networks' range and shape; `pictures` reads and writes them. RGB."""

from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np

from face2face.cli import UserError


def by_stem(paths: Iterable[Path]) -> dict[str, Path]:
    """Image files by their names without ending, for where one file is made of each.

    Raises:
        UserError: if two differ in nothing else: one would replace what is made of the other.
    """
    found: dict[str, Path] = {}
    for path in paths:
        if path.stem in found:
            raise UserError(f"expected one image named {path.stem}, got two: {found[path.stem]} and {path}")
        found[path.stem] = path
    return found


def to_unit(picture):
    """[0, 255] -> [-1, 1], for arrays and tensors of floats."""
    return picture / 127.5 - 1.0


def from_unit(picture: np.ndarray) -> np.ndarray:
    """[-1, 1] -> uint8, rounded."""
    return np.clip(np.rint((np.asarray(picture, np.float32) + 1.0) * 127.5), 0, 255).astype(np.uint8)


def stretch(picture: np.ndarray, aspect_ratio: float) -> np.ndarray:
    """A squeezed square, (S, S, 3), at its real width by height: S high."""
    if aspect_ratio == 1:
        return picture
    size = picture.shape[0]
    return cv2.resize(picture, (max(1, round(size * aspect_ratio)), size), interpolation=cv2.INTER_CUBIC)


def squeeze(picture: np.ndarray, size: int) -> np.ndarray:
    """A picture of any shape -> the whole of it as (size, size, 3)."""
    if picture.shape[:2] == (size, size):
        return picture
    return cv2.resize(picture, (size, size), interpolation=cv2.INTER_AREA)
