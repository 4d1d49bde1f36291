"""The only code that draws the 68 points: as the picture that a generator reads."""

from dataclasses import dataclass

import cv2
import numpy as np

from face2face.face.crop import MODEL_SIZE

LINE_WIDTH = 3 / 288
"""Width of a drawn line in sides of model space: the original drew 3 px into frames 288 px high."""

HALVINGS = 2
"""Of a drawing that is made larger at first: smooth edges at sub-pixel places. OpenCV halves fastest."""
SUPERSAMPLING = 2**HALVINGS

_FRACTION_BITS = 4  # OpenCV's fixed-point coordinates: sixteenths of a (supersampled) pixel


@dataclass(frozen=True)
class Region:
    """A line through some of the 68 points. Left and right are the picture's; the colour is RGB."""

    name: str
    points: slice
    closed: bool
    colour: tuple[int, int, int]
    filled: bool = False


_WHITE = (255, 255, 255)

DRAWINGS = {
    # What the original drew, but for point 35, which it left out of the lower nose.
    "white": (
        Region("jaw", slice(0, 17), False, _WHITE),
        Region("left brow", slice(17, 22), False, _WHITE),
        Region("right brow", slice(22, 27), False, _WHITE),
        Region("nose bridge", slice(27, 31), False, _WHITE),
        Region("lower nose", slice(30, 36), True, _WHITE),
        Region("left eye", slice(36, 42), True, _WHITE),
        Region("right eye", slice(42, 48), True, _WHITE),
        Region("outer lips", slice(48, 60), True, _WHITE),
        Region("inner lips", slice(60, 68), True, _WHITE),
    ),
    # Each region in a colour of its own; what can open is filled, so that open and shut differ in area.
    "colour": (
        Region("jaw", slice(0, 17), False, (0, 96, 255)),
        Region("left brow", slice(17, 22), False, (255, 128, 0)),
        Region("right brow", slice(22, 27), False, (255, 0, 128)),
        Region("nose bridge", slice(27, 31), False, (0, 255, 0)),
        Region("lower nose", slice(30, 36), True, (0, 255, 160)),
        Region("left eye", slice(36, 42), True, (255, 255, 0), filled=True),
        Region("right eye", slice(42, 48), True, (160, 255, 255), filled=True),
        Region("lips", slice(48, 60), True, (255, 0, 0), filled=True),
        Region("mouth", slice(60, 68), True, (255, 255, 255), filled=True),
    ),
}
"""Each style of drawing, as a table of regions."""

DEFAULT_DRAWING = "colour"
"""Of new pairs. By `evaluate.py` it gives faces that are more like the target's, and that obey the driver."""

ORIGINAL_DRAWING = "white"
"""Where nothing is told of drawings: in pairs and graphs from elsewhere."""


def draw(
    points: np.ndarray, size: int = MODEL_SIZE, style: str = ORIGINAL_DRAWING, line_side: int | None = None
) -> np.ndarray:
    """Draw 68 points as the picture that a generator reads.

    A drawing is never resized: to have it at another size, scale the points and draw again.

    Args:
        points: float (68, 2), in pixels of the drawing.
        size: the drawing's side in pixels.
        line_side: side of the square, in the same pixels, that becomes model space: the lines' width goes
            with it. The whole drawing by default.
        style: a key of `DRAWINGS`.
    Returns:
        uint8 (size, size, 3), RGB, black where nothing is drawn.
    """
    thickness = max(1, round((line_side or size) * SUPERSAMPLING * LINE_WIDTH))
    drawing = np.zeros((size, size, 3), np.uint8)
    # Only where the face is, to whole pixels of the drawing.
    reach = thickness // SUPERSAMPLING + 2
    left, top = np.clip(np.floor(points.min(axis=0)).astype(int) - reach, 0, size).tolist()
    right, bottom = np.clip(np.ceil(points.max(axis=0)).astype(int) + reach, 0, size).tolist()
    if left >= right or top >= bottom:
        return drawing
    part = drawing[top:bottom, left:right]
    large = np.zeros((part.shape[0] * SUPERSAMPLING, part.shape[1] * SUPERSAMPLING, 3), np.uint8)
    fixed = ((points - (left, top) + 0.5) * SUPERSAMPLING - 0.5) * 2**_FRACTION_BITS
    fixed = np.round(fixed).astype(np.int32)
    for region in DRAWINGS[style]:
        line = fixed[region.points].reshape(-1, 1, 2)
        if region.filled:
            cv2.fillPoly(large, [line], region.colour, cv2.LINE_8, _FRACTION_BITS)
        cv2.polylines(large, [line], region.closed, region.colour, thickness, cv2.LINE_8, _FRACTION_BITS)
    for _ in range(HALVINGS):
        large = cv2.resize(large, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    part[:] = large
    return drawing
