"""Images on disk and in the networks' range. RGB everywhere here; only OpenCV's own calls see BGR."""

import os
from pathlib import Path

import cv2
import numpy as np

from face2face.cli import UserError


def read(path: Path) -> np.ndarray:
    """Read an image, whatever its channels and depth, as uint8 (H, W, 3), RGB.

    Raises: UserError if it cannot be decoded.
    """
    picture = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if picture is None:
        raise UserError(f"expected an image, got a file that cannot be decoded: {path}")
    return cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)


def write(path: Path, picture: np.ndarray) -> None:
    """Write uint8 (H, W, 3) RGB or (H, W) grey; the file appears only when it is whole."""
    if picture.ndim == 3:
        picture = cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)
    unfinished = path.with_name(f".{path.name}{path.suffix}")
    if not cv2.imwrite(str(unfinished), picture):
        unfinished.unlink(missing_ok=True)
        raise OSError(None, "cannot be written", str(path))
    os.replace(unfinished, path)


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
