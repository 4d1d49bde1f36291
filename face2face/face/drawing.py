"""Drawing of the 68 points as the picture that a generator reads. No other code draws them."""

from dataclasses import dataclass

import cv2
import numpy as np

from face2face.face.crop import MODEL_SIZE
from face2face.face.geometry import REGIONS

LINE_WIDTH = 3 / 288
"""Width of a line over the side of model space: the original drew 3 px into frames 288 px high."""

HALVINGS = 2
"""A drawing is made larger and halved this often, for smooth edges at sub-pixel positions. OpenCV scales down
fastest by a factor of 2."""
SUPERSAMPLING = 2**HALVINGS

_FRACTION_BITS = 4  # OpenCV's fixed-point coordinates are sixteenths of a (supersampled) pixel


@dataclass(frozen=True)
class Stroke:
    """How a style draws one region of the face.

    Attributes:
        region: A key of `geometry.REGIONS`.
        colour: RGB, 0 to 255.
        filled: Whether a closed region is filled.
    """

    region: str
    colour: tuple[int, int, int]
    filled: bool = False


DRAWINGS = {
    # The original's drawing, except that the original left point 35 out of the lower nose.
    "white": tuple(Stroke(region, (255, 255, 255)) for region in REGIONS),
    # Each region has its own colour. What can open is filled, so that open and shut differ in area.
    "colour": (
        Stroke("jaw", (0, 96, 255)),
        Stroke("left brow", (255, 128, 0)),
        Stroke("right brow", (255, 0, 128)),
        Stroke("nose bridge", (0, 255, 0)),
        Stroke("lower nose", (0, 255, 160)),
        Stroke("left eye", (255, 255, 0), filled=True),
        Stroke("right eye", (160, 255, 255), filled=True),
        Stroke("outer lips", (255, 0, 0), filled=True),
        Stroke("inner lips", (255, 255, 255), filled=True),
    ),
}
"""The styles of drawing: for each style its strokes, in the order in which they are drawn."""

DEFAULT_DRAWING = "colour"
"""Style of new pairs. By `evaluate.py` its faces resemble the target more and follow the driver better."""

ORIGINAL_DRAWING = "white"
"""Style of pairs and graphs that do not name one: those from elsewhere."""


def draw(
    points: np.ndarray, size: int = MODEL_SIZE, style: str = ORIGINAL_DRAWING, line_side: int | None = None
) -> np.ndarray:
    """Draw 68 points as the picture that a generator reads.

    A drawing is never resized: for another size, scale the points and draw again.

    Args:
        points: float (68, 2), in pixels of the drawing.
        size: The drawing's side, pixels.
        style: A key of `DRAWINGS`.
        line_side: Side of the square that will be scaled to model space, pixels of the drawing. The width of
            the lines is proportional to it. None: `size`.

    Returns:
        uint8 (size, size, 3), RGB, black where nothing is drawn.
    """
    thickness = max(1, round((line_side or size) * SUPERSAMPLING * LINE_WIDTH))
    drawing = np.zeros((size, size, 3), np.uint8)
    # Only the face's bounding box is drawn, in whole pixels of the drawing.
    reach = thickness // SUPERSAMPLING + 2
    left, top = np.clip(np.floor(points.min(axis=0)).astype(int) - reach, 0, size).tolist()
    right, bottom = np.clip(np.ceil(points.max(axis=0)).astype(int) + reach, 0, size).tolist()
    if left >= right or top >= bottom:
        return drawing
    part = drawing[top:bottom, left:right]
    large = np.zeros((part.shape[0] * SUPERSAMPLING, part.shape[1] * SUPERSAMPLING, 3), np.uint8)
    fixed = ((points - (left, top) + 0.5) * SUPERSAMPLING - 0.5) * 2**_FRACTION_BITS
    fixed = np.round(fixed).astype(np.int32)
    for stroke in DRAWINGS[style]:
        region = REGIONS[stroke.region]
        line = fixed[region.points].reshape(-1, 1, 2)
        if stroke.filled:
            cv2.fillPoly(large, [line], stroke.colour, cv2.LINE_8, _FRACTION_BITS)
        cv2.polylines(large, [line], region.closed, stroke.colour, thickness, cv2.LINE_8, _FRACTION_BITS)
    for _ in range(HALVINGS):
        large = cv2.resize(large, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    part[:] = large
    return drawing
