"""Geometry of the 68 facial landmarks: regions, measures, mirroring.

Each measure takes points of shape float (..., 68, 2), x right, y down, and returns one value per face. Left
and right are the picture's.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

LANDMARKS = 68
"""Number of landmarks of a face, in the iBUG order."""


@dataclass(frozen=True)
class Region:
    """A part of the face as a line through some of the 68 points.

    Attributes:
        points: Which of the 68 points, in the order of the line.
        closed: Whether the line returns to its first point.
    """

    points: slice
    closed: bool = False


REGIONS = {
    "jaw": Region(slice(0, 17)),
    "left brow": Region(slice(17, 22)),
    "right brow": Region(slice(22, 27)),
    "nose bridge": Region(slice(27, 31)),
    "lower nose": Region(slice(30, 36), closed=True),
    "left eye": Region(slice(36, 42), closed=True),
    "right eye": Region(slice(42, 48), closed=True),
    "outer lips": Region(slice(48, 60), closed=True),
    "inner lips": Region(slice(60, 68), closed=True),
}
"""The regions of the iBUG scheme (Sagonas et al., 2013), in the order of their points."""


def points_of(*names: str) -> slice:
    """All points of one region, or of several adjacent ones.

    Args:
        names: Keys of `REGIONS`.
    """
    slices = [REGIONS[name].points for name in names]
    return slice(min(s.start for s in slices), max(s.stop for s in slices))


JAW = points_of("jaw")
LEFT_BROW, RIGHT_BROW = points_of("left brow"), points_of("right brow")
BROWS = points_of("left brow", "right brow")
LEFT_EYE, RIGHT_EYE = points_of("left eye"), points_of("right eye")
EYES = points_of("left eye", "right eye")
LIPS = points_of("outer lips", "inner lips")

LIDS_OF_EYES = (((37, 41), (38, 40)), ((43, 47), (44, 46)))
"""For each eye, its pairs of an upper and a lower point, one above the other."""
EYELIDS = (*LIDS_OF_EYES[0], *LIDS_OF_EYES[1])
"""The pairs of both eyes."""

EYE_CORNERS = ((36, 39), (42, 45))
"""Left and right corner of each eye."""

IRIS_RADIUS = 0.22
"""Radius of an iris over the distance of its eye's corners: the median over five clips."""

SHUT_EYE_ASPECT_RATIO = 0.16
"""Eye aspect ratio below which an eye shows no iris: the detector leaves a gap between shut lids."""

INNER_LIPS = ((61, 67), (62, 66), (63, 65))
"""Pairs of an upper and a lower point of the inner lips, one above the other."""

MOUTH_CORNERS = (48, 54)
CHIN, NOSE_ROOT, NOSE_TIP, NOSE_BASE = 8, 27, 30, 33

RIGID = [*range(27, 37), 39, 42, 45]
"""Points that no expression moves much: the nose and the corners of the eyes."""

MIN_INTEROCULAR_DISTANCE = 1.0
"""In pixels. Measures are divided by the interocular distance, so files with a smaller one are refused."""


def interocular_distance(points: np.ndarray) -> np.ndarray:
    """Distance between the centres of the eyes, in the points' unit."""
    return np.linalg.norm(eye_to_eye(points), axis=-1)


def eye_to_eye(points: np.ndarray) -> np.ndarray:
    """The vector from the left eye's centre to the right eye's, float (..., 2)."""
    return _middle(points, RIGHT_EYE) - _middle(points, LEFT_EYE)


def _middle(points: np.ndarray, part: slice) -> np.ndarray:
    """The mean of some of the points, float (..., 2)."""
    return points[..., part, :].mean(axis=-2)


def _distance(points: np.ndarray, a: int, b: int) -> np.ndarray:
    return np.linalg.norm(points[..., a, :] - points[..., b, :], axis=-1)


def eye_aspect_ratio(points: np.ndarray) -> np.ndarray:
    """Eye aspect ratio, height over width, the mean of both eyes (Soukupova and Cech, 2016)."""
    return _aspect_ratio(points, EYELIDS, EYE_CORNERS)


def left_eye_aspect_ratio(points: np.ndarray) -> np.ndarray:
    """The aspect ratio of the left eye alone."""
    return _aspect_ratio(points, LIDS_OF_EYES[0], EYE_CORNERS[:1])


def right_eye_aspect_ratio(points: np.ndarray) -> np.ndarray:
    """The aspect ratio of the right eye alone."""
    return _aspect_ratio(points, LIDS_OF_EYES[1], EYE_CORNERS[1:])


EYE_ASPECT_RATIOS = (left_eye_aspect_ratio, right_eye_aspect_ratio)


def _aspect_ratio(
    points: np.ndarray, lids: Sequence[tuple[int, int]], corners: Sequence[tuple[int, int]]
) -> np.ndarray:
    heights = [_distance(points, *pair) for pair in lids]
    widths = [_distance(points, *pair) for pair in corners]
    return np.mean(heights, axis=0) / np.mean(widths, axis=0)


def mouth_openness(points: np.ndarray) -> np.ndarray:
    """Mean gap between the inner lips, in interocular distances."""
    heights = [_distance(points, *lips) for lips in INNER_LIPS]
    return np.mean(heights, axis=0) / interocular_distance(points)


def brow_height(points: np.ndarray) -> np.ndarray:
    """Height of the brows above the eyes, perpendicular to the line of the eyes, in interocular distances."""
    return _upwards(points, _middle(points, BROWS) - _middle(points, EYES))


def _across(points: np.ndarray, offset: np.ndarray) -> np.ndarray:
    """The part of an offset, float (..., 2), along the line of the eyes, in interocular distances."""
    along = eye_to_eye(points)
    return np.sum(offset * along, axis=-1) / np.sum(along * along, axis=-1)


def _upwards(points: np.ndarray, offset: np.ndarray) -> np.ndarray:
    """The part of an offset, float (..., 2), that leads up at right angles to that line, likewise."""
    return _across(points, np.stack([-offset[..., 1], offset[..., 0]], axis=-1))


def head_yaw(points: np.ndarray) -> np.ndarray:
    """How far the tip of the nose is to the right of the middle of the eyes, in interocular distances.

    0 for a face seen from the front; it grows with the angle by which the head is turned.
    """
    return _across(points, points[..., NOSE_TIP, :] - _middle(points, EYES))


def head_pitch(points: np.ndarray) -> np.ndarray:
    """How far the tip of the nose is above the line of the eyes, in interocular distances.

    Negative; it grows when the head is raised.
    """
    return _upwards(points, points[..., NOSE_TIP, :] - _middle(points, EYES))


def head_roll(points: np.ndarray) -> np.ndarray:
    """The angle of the line of the eyes in radians, clockwise in the picture."""
    along = eye_to_eye(points)
    return np.arctan2(along[..., 1], along[..., 0])


def mouth_width(points: np.ndarray) -> np.ndarray:
    """Distance between the corners of the mouth, in interocular distances."""
    return _distance(points, *MOUTH_CORNERS) / interocular_distance(points)


def mouth_slant(points: np.ndarray) -> np.ndarray:
    """How much higher the left corner of the mouth is than the right one, in interocular distances."""
    left, right = MOUTH_CORNERS
    return _upwards(points, points[..., left, :] - points[..., right, :])


def mouth_shift(points: np.ndarray) -> np.ndarray:
    """How far the lips are to the right of the base of the nose, in interocular distances."""
    return _across(points, _middle(points, LIPS) - points[..., NOSE_BASE, :])


def eye_difference(points: np.ndarray) -> np.ndarray:
    """The aspect ratio of the left eye less that of the right one."""
    return left_eye_aspect_ratio(points) - right_eye_aspect_ratio(points)


def brow_difference(points: np.ndarray) -> np.ndarray:
    """How much higher the left brow is than the right one, in interocular distances."""
    return _upwards(points, _middle(points, LEFT_BROW) - _middle(points, RIGHT_BROW))


MIRRORED = [
    *range(16, -1, -1),  # jaw
    *range(26, 16, -1),  # brows
    *(27, 28, 29, 30, 35, 34, 33, 32, 31),  # nose
    *(45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40),  # eyes
    *(54, 53, 52, 51, 50, 49, 48, 59, 58, 57, 56, 55),  # outer lips
    *(64, 63, 62, 61, 60, 67, 66, 65),  # inner lips
]
"""The index of each point's mirror image: MIRRORED[i] in a face is point i of the mirrored face."""


def mirrored(points: np.ndarray, width: int) -> np.ndarray:
    """Mirror and renumber points, float (..., 68, 2), in a picture that is `width` pixels wide."""
    flipped = points[..., MIRRORED, :].copy()
    flipped[..., 0] = width - 1 - flipped[..., 0]
    return flipped


def mirrored_irises(irises: np.ndarray, width: int) -> np.ndarray:
    """Mirror the left and the right iris, float (..., 2, 2), likewise."""
    flipped = irises[..., ::-1, :].copy()
    flipped[..., 0] = width - 1 - flipped[..., 0]
    return flipped
