"""What process.py does with each image. Pictures are uint8 (H, W, 3), RGB."""

from pathlib import Path

import cv2
import numpy as np

from face2face import cli, pictures
from face2face.face.crop import CropBox

BLANKED = 0.3
"""Side of what `blank` covers, over the side of the picture: rows and columns 90 to 165 of 256."""


def square(width: int, height: int, pad: bool) -> CropBox:
    """The crop box of `resize`: the central square, or with `pad` the square around the picture."""
    return CropBox.padded(width, height) if pad else CropBox.centre(width, height)


def resize(picture: np.ndarray, size: int, pad: bool) -> np.ndarray:
    """Scale uint8 (H, W, 3) to (size, size, 3): the central square, or with `pad` the whole on black."""
    height, width = picture.shape[:2]
    return square(width, height, pad).picture(picture, size)


def grayscale(picture: np.ndarray) -> np.ndarray:
    """Remove the colours; there are still three channels."""
    return cv2.cvtColor(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)


def blank(path: Path) -> np.ndarray:
    """Cover the middle of a square image with white, for models that learn to fill it in.

    Raises:
        UserError: If the image is not square.
    """
    picture = pictures.read(path)
    height, width = picture.shape[:2]
    if height != width:
        raise cli.UserError(
            f"expected a square image to blank, got {width}x{height} (--operation resize first): {path}"
        )
    side = int(width * BLANKED)
    first = int(width / 2 - side / 2)
    picture[first : first + side, first : first + side] = 255
    return picture


def canny(picture: np.ndarray) -> np.ndarray:
    """Draw Canny's edges, black on white."""
    grey = cv2.GaussianBlur(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), (5, 5), 0)
    return cv2.cvtColor(255 - cv2.Canny(grey, 50, 100), cv2.COLOR_GRAY2RGB)


def combine(left: Path, right: Path) -> np.ndarray:
    """Put two images side by side.

    Raises:
        UserError: If their sizes differ, or if the pair is too large.
    """
    pair = pictures.read(left), pictures.read(right)
    if pair[0].shape != pair[1].shape:
        sizes = " and ".join(f"{p.shape[1]}x{p.shape[0]}" for p in pair)
        raise cli.UserError(f"expected images of the same size to combine, got {sizes}: {left}, {right}")
    height, width = pair[0].shape[:2]
    if 2 * width * height > pictures.MAX_PIXELS:
        most = f"{pictures.MAX_PIXELS:,} pixels"
        raise cli.UserError(f"expected pairs of at most {most}, got {2 * width}x{height}: {left}, {right}")
    return np.concatenate(pair, axis=1)
