"""Regions of a face in model space, as masks, bool (S, S). Margins are in interocular distances."""

import cv2
import numpy as np

from face2face.face.geometry import LEFT_EYE, LIPS, RIGHT_EYE, interocular_distance, points_of

OUTSIDE_MARGIN = 0.35
"""How far the face (hair, chin) reaches beyond the landmarks."""
FEATURE_MARGIN = 0.12
"""How far the regions of the eyes and of the mouth reach beyond their landmarks."""

SKIN_EDGE = 0.12
"""How far the skin that is judged ends before the face's outline: there, hair and background begin."""
NOT_SKIN = (
    (points_of("left brow"), 0.14),
    (points_of("right brow"), 0.14),
    (LEFT_EYE, 0.22),  # the lashes, and make-up
    (RIGHT_EYE, 0.22),
    (LIPS, 0.14),
    (points_of("nose bridge", "lower nose"), 0.16),  # its shadows and highlights
)
"""What is left out of the skin, each with a margin around it."""


def _hull(points: np.ndarray) -> np.ndarray:
    """The convex hull of points, float (N, 2), as a polygon, int32 (M, 1, 2)."""
    return cv2.convexHull(np.round(points).astype(np.int32))


def _filled(hull: np.ndarray, size: int) -> np.ndarray:
    """A polygon filled, as uint8 (S, S) of 0 and 1."""
    return cv2.fillConvexPoly(np.zeros((size, size), np.uint8), hull, 1)


def _outlined(mask: np.ndarray, hull: np.ndarray, radius: int, value: int) -> np.ndarray:
    """Write a value into a mask wherever the outline of a polygon is no farther than a radius, in pixels."""
    return cv2.polylines(mask, [hull], isClosed=True, color=value, thickness=2 * radius + 1)


def _radius(margin: float, points: np.ndarray) -> int:
    """A margin in pixels."""
    return max(1, round(margin * float(interocular_distance(points))))


def _around(points: np.ndarray, part: slice, margin: float, size: int) -> np.ndarray:
    """The hull of a part of the 68 points, grown by a margin, as uint8 (S, S) of 0 and 1."""
    hull = _hull(points[part])
    return _outlined(_filled(hull, size), hull, _radius(margin, points), 1)


def face(points: np.ndarray, size: int) -> np.ndarray:
    """The convex hull of the landmarks.

    Args:
        points: float (68, 2), the face's landmarks in model space.
        size: Side of model space, in pixels.
    """
    return _filled(_hull(points), size) == 1


def outside(points: np.ndarray, size: int) -> np.ndarray:
    """What lies outside the face, hair and chin included. Arguments as in `face`."""
    reach = max(3, _radius(OUTSIDE_MARGIN, points))
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    return cv2.dilate(_filled(_hull(points), size), disc) == 0


def eyes(points: np.ndarray, size: int) -> np.ndarray:
    """Both eyes with their lids. Arguments as in `face`."""
    left, right = (_around(points, eye, FEATURE_MARGIN, size) for eye in (LEFT_EYE, RIGHT_EYE))
    return (left | right) == 1


def mouth(points: np.ndarray, size: int) -> np.ndarray:
    """The mouth with its lips. Arguments as in `face`."""
    return _around(points, LIPS, FEATURE_MARGIN, size) == 1


def compared(points: np.ndarray, size: int) -> list[np.ndarray]:
    """The regions in which a painted face is compared with the true one: all, face, eyes, mouth.

    Arguments as in `face`.
    """
    return [np.ones((size, size), bool), face(points, size), eyes(points, size), mouth(points, size)]


def skin(points: np.ndarray, size: int) -> np.ndarray:
    """Cheeks and chin, away from everything that has another colour.

    Arguments as in `face`.
    """
    hull = _hull(points)
    mask = _outlined(_filled(hull, size), hull, _radius(SKIN_EDGE, points), 0)
    for part, margin in NOT_SKIN:
        mask &= 1 - _around(points, part, margin, size)
    return mask == 1
