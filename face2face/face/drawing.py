"""Drawing of the 68 points as the picture that a generator reads. No other code draws them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from face2face.face.crop import MODEL_SIZE, resize
from face2face.face.geometry import (
    EYE_ASPECT_RATIOS,
    EYE_CORNERS,
    IRIS_RADIUS,
    REGIONS,
    SHUT_EYE_ASPECT_RATIO,
    Region,
)

LINE_WIDTH = 3 / 288
"""Width of a line over the side of model space, of all styles but the original's."""

ORIGINAL_LINE_WIDTH = 3
"""Width of the original's lines in pixels of the frame, whatever its size."""

_MAX_FRAME_SIDE = 4096

HALVINGS = 2
"""A drawing is made larger and halved this often, for smooth edges at sub-pixel positions. OpenCV scales down
fastest by a factor of 2."""
SUPERSAMPLING = 2**HALVINGS

_FRACTION_BITS = 4  # OpenCV's fixed-point coordinates are sixteenths of a (supersampled) pixel


@dataclass(frozen=True)
class Stroke:
    """How a style draws one region of the face.

    Attributes:
        region: The region.
        colour: RGB, 0 to 255.
        filled: Whether a closed region is filled.
    """

    region: Region
    colour: tuple[int, int, int]
    filled: bool = False


_WHITE = (255, 255, 255)

_EYES = (REGIONS["left eye"], REGIONS["right eye"])

# The original left point 35 out of the lower nose.
_ORIGINAL_REGIONS = REGIONS | {"lower nose": Region(slice(30, 35), closed=True)}

DRAWINGS = {
    # The drawing of 2017: its regions, and lines of 3 pixels of the frame.
    "original": tuple(Stroke(region, _WHITE) for region in _ORIGINAL_REGIONS.values()),
    # What older versions of this project drew for `--drawing white`, for the pairs and models that they made.
    "white": tuple(Stroke(region, _WHITE) for region in REGIONS.values()),
    # Each region has its own colour. What can open is filled, so that open and shut differ in area.
    "colour": (
        Stroke(REGIONS["jaw"], (0, 96, 255)),
        Stroke(REGIONS["left brow"], (255, 128, 0)),
        Stroke(REGIONS["right brow"], (255, 0, 128)),
        Stroke(REGIONS["nose bridge"], (0, 255, 0)),
        Stroke(REGIONS["lower nose"], (0, 255, 160)),
        Stroke(REGIONS["left eye"], (255, 255, 0), filled=True),
        Stroke(REGIONS["right eye"], (160, 255, 255), filled=True),
        Stroke(REGIONS["outer lips"], (255, 0, 0), filled=True),
        Stroke(REGIONS["inner lips"], (255, 255, 255), filled=True),
    ),
}
"""The styles of drawing: for each style its strokes, in the order in which they are drawn."""

IRIS_COLOURS = {"colour": ((0, 0, 255), (255, 255, 255))}
"""The colours of iris and pupil, RGB, of the styles that have them."""

PUPIL_RADIUS = 0.4
"""Radius of the drawn pupil over the iris's. The lids hide most irises above and below, and then the pupil
alone shows how high the gaze is."""

ORIGINAL_DRAWING = "original"
"""Style of pairs and graphs that do not name one: those from elsewhere."""

NEW_DRAWINGS = {"colour": "colour", "white": ORIGINAL_DRAWING}
"""The styles of new pairs, by the names that users choose them by."""

DEFAULT_DRAWING = "colour"
"""The style of new pairs, of `NEW_DRAWINGS`. By `evaluate.py` its faces resemble the target more and follow
the driver better."""


def frame_line_width(style: str) -> float | None:
    """Width of a style's lines in pixels of a frame; None if it depends on the model space alone."""
    return ORIGINAL_LINE_WIDTH if style == ORIGINAL_DRAWING else None


def draw(
    points: np.ndarray,
    size: int = MODEL_SIZE,
    style: str = ORIGINAL_DRAWING,
    line_width: float | None = None,
    irises: np.ndarray | None = None,
) -> np.ndarray:
    """Draw 68 points as the picture that a generator reads.

    A drawing is never resized: for another size, scale the points and draw again.

    Args:
        points: float (68, 2), in pixels of the drawing.
        size: The drawing's side, pixels.
        style: A key of `DRAWINGS`.
        line_width: Width of the lines, pixels of the drawing. None: `LINE_WIDTH`, for a drawing that is
            model space.
        irises: Centres of the irises, float (2, 2), in pixels of the drawing; None, and NaN of an eye: none
            is drawn. An iris is a disc with a pupil, clipped to its eye. A shut eye shows none, and a style
            that is not in `IRIS_COLOURS` has none.

    Returns:
        uint8 (size, size, 3), RGB, black where nothing is drawn.
    """
    width = min(size * LINE_WIDTH if line_width is None else line_width, size)
    if style == ORIGINAL_DRAWING:
        return _draw_as_in_2017(points, size, width)
    thickness = max(1, round(width * SUPERSAMPLING))
    drawing = np.zeros((size, size, 3), np.uint8)
    # Only the face's bounding box is drawn, in whole pixels of the drawing.
    reach = thickness // SUPERSAMPLING + 2
    left, top = np.clip(np.floor(points.min(axis=0)).astype(int) - reach, 0, size).tolist()
    right, bottom = np.clip(np.ceil(points.max(axis=0)).astype(int) + reach, 0, size).tolist()
    if left >= right or top >= bottom:
        return drawing
    part = drawing[top:bottom, left:right]
    large = np.zeros((part.shape[0] * SUPERSAMPLING, part.shape[1] * SUPERSAMPLING, 3), np.uint8)

    def enlarged(places: np.ndarray) -> np.ndarray:
        fixed = ((places - (left, top) + 0.5) * SUPERSAMPLING - 0.5) * 2**_FRACTION_BITS
        return np.round(fixed).astype(np.int32)

    fixed = enlarged(points)
    for stroke in DRAWINGS[style]:
        line = fixed[stroke.region.points].reshape(-1, 1, 2)
        if stroke.filled:
            cv2.fillPoly(large, [line], stroke.colour, cv2.LINE_8, _FRACTION_BITS)
        cv2.polylines(
            large, [line], stroke.region.closed, stroke.colour, thickness, cv2.LINE_8, _FRACTION_BITS
        )
    if irises is not None and style in IRIS_COLOURS:
        for eye, centre, radius in _discs(points, irises):
            outline = fixed[eye.points].reshape(-1, 1, 2)
            _fill_iris(large, outline, enlarged(centre), radius * SUPERSAMPLING, IRIS_COLOURS[style])
    for _ in range(HALVINGS):
        large = cv2.resize(large, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    part[:] = large
    return drawing


def _discs(points: np.ndarray, irises: np.ndarray) -> Iterator[tuple[Region, np.ndarray, float]]:
    """Of each iris that is drawn: its eye, its centre and its radius."""
    for eye, centre, (left, right), aspect_ratio in zip(
        _EYES, irises, EYE_CORNERS, EYE_ASPECT_RATIOS, strict=True
    ):
        if np.isfinite(centre).all() and aspect_ratio(points) >= SHUT_EYE_ASPECT_RATIO:
            yield eye, centre, IRIS_RADIUS * float(np.linalg.norm(points[right] - points[left]))


def _fill_iris(
    picture: np.ndarray,
    eye: np.ndarray,
    centre: np.ndarray,
    radius: float,
    colours: Sequence[tuple[int, int, int]],
) -> None:
    """Fill the part of an iris that is inside its eye, in place.

    Args:
        picture: uint8 (H, W, 3).
        eye: int32 (6, 1, 2), the eye's outline, in fixed-point coordinates of the picture.
        centre: int32 (2,), of the iris, likewise.
        radius: Of the iris, pixels.
        colours: Of iris and pupil.
    """
    height, width = picture.shape[:2]
    left, top = np.clip((eye.min(axis=(0, 1)) >> _FRACTION_BITS) - 1, 0, (width, height)).tolist()
    right, bottom = np.clip((eye.max(axis=(0, 1)) >> _FRACTION_BITS) + 2, 0, (width, height)).tolist()
    if left >= right or top >= bottom:
        return
    corner = np.array([left, top], np.int32) << _FRACTION_BITS
    around = picture[top:bottom, left:right]
    before = around.copy()
    for share, colour in zip((1.0, PUPIL_RADIUS), colours, strict=True):
        fixed_radius = round(share * radius * 2**_FRACTION_BITS)
        disc = (centre - corner).tolist(), fixed_radius, colour
        cv2.circle(around, *disc, cv2.FILLED, cv2.LINE_8, _FRACTION_BITS)
    outside = np.full(around.shape[:2], 255, np.uint8)
    cv2.fillPoly(outside, [eye - corner], 0, cv2.LINE_8, _FRACTION_BITS)
    cv2.copyTo(before, outside, around)


def _draw_as_in_2017(points: np.ndarray, size: int, line_width: float) -> np.ndarray:
    """Draw into a square of the size that the frame had, and scale that.

    Wider lines drawn at once would differ: OpenCV's lines of 3 pixels are about 4 pixels wide.
    """
    side = min(max(1, round(size * ORIGINAL_LINE_WIDTH / line_width)), _MAX_FRAME_SIDE)
    square = np.zeros((side, side), np.uint8)
    fixed = np.round(((points + 0.5) * (side / size) - 0.5) * 2**_FRACTION_BITS).astype(np.int32)
    for stroke in DRAWINGS[ORIGINAL_DRAWING]:
        line = fixed[stroke.region.points].reshape(-1, 1, 2)
        cv2.polylines(
            square, [line], stroke.region.closed, 255, ORIGINAL_LINE_WIDTH, cv2.LINE_8, _FRACTION_BITS
        )
    return cv2.cvtColor(resize(square, size), cv2.COLOR_GRAY2RGB)
