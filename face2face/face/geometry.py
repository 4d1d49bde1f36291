"""Measures of a face's 68 points: pose, and how far eyes and mouth are open. Left is the picture's left.

Each function takes float (..., 68, 2) and answers for each face.
"""

from dataclasses import dataclass

import numpy as np

LEFT_EYE, RIGHT_EYE = slice(36, 42), slice(42, 48)

EYELIDS = ((37, 41), (38, 40), (43, 47), (44, 46))
"""Upper and lower points of the eyes, one above the other."""

INNER_LIPS = ((61, 67), (62, 66), (63, 65))
"""Upper and lower points between the lips, one above the other."""

RIGID = [27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 39, 42, 45]
"""Points that no expression moves much: nose and corners of the eyes."""


def interocular_distance(points: np.ndarray) -> np.ndarray:
    """Between the centres of the eyes, in the points' unit."""
    centres = points[..., RIGHT_EYE, :].mean(axis=-2) - points[..., LEFT_EYE, :].mean(axis=-2)
    return np.linalg.norm(centres, axis=-1)


def _distance(points: np.ndarray, a: int, b: int) -> np.ndarray:
    return np.linalg.norm(points[..., a, :] - points[..., b, :], axis=-1)


def eye_aspect_ratio(points: np.ndarray) -> np.ndarray:
    """Height of the eyes over their width, the mean of both (Soukupova and Cech, 2016)."""
    heights = [_distance(points, a, b) for a, b in EYELIDS]
    widths = [_distance(points, 36, 39), _distance(points, 42, 45)]
    return np.mean(heights, axis=0) / np.mean(widths, axis=0)


def mouth_openness(points: np.ndarray) -> np.ndarray:
    """Height between the lips over the distance of the eyes."""
    heights = [_distance(points, a, b) for a, b in INNER_LIPS]
    return np.mean(heights, axis=0) / interocular_distance(points)


def brow_height(points: np.ndarray) -> np.ndarray:
    """From the eyes up to the brows, over the distance of the eyes, across the line of the eyes."""
    eyes = points[..., 36:48, :].mean(axis=-2)
    brows = points[..., 17:27, :].mean(axis=-2)
    along = points[..., RIGHT_EYE, :].mean(axis=-2) - points[..., LEFT_EYE, :].mean(axis=-2)
    up = np.stack([along[..., 1], -along[..., 0]], axis=-1)
    return np.sum((brows - eyes) * up, axis=-1) / np.sum(along * along, axis=-1)


def mouth_width(points: np.ndarray) -> np.ndarray:
    """Between the corners of the mouth, over the distance of the eyes."""
    return _distance(points, 48, 54) / interocular_distance(points)


MIRRORED = [
    *range(16, -1, -1),  # jaw
    *range(26, 16, -1),  # brows
    *(27, 28, 29, 30, 35, 34, 33, 32, 31),  # nose
    *(45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40),  # eyes
    *(54, 53, 52, 51, 50, 49, 48, 59, 58, 57, 56, 55),  # outer lips
    *(64, 63, 62, 61, 60, 67, 66, 65),  # inner lips
]
"""Which point of a face is each point of its mirror image."""


def mirrored(points: np.ndarray, width: int) -> np.ndarray:
    """The points of the face in a picture of that width, mirrored left to right."""
    flipped = points[..., MIRRORED, :].copy()
    flipped[..., 0] = width - 1 - flipped[..., 0]
    return flipped


@dataclass(frozen=True)
class SimilarityTransform:
    """Where a face is against a reference: p -> scale * rotation(p) + shift, a similarity.

    matrix: float (2, 2), rotation times scale. shift: float (2,).
    """

    matrix: np.ndarray
    shift: np.ndarray

    @classmethod
    def estimate(cls, reference: np.ndarray, face: np.ndarray, points=RIGID) -> "SimilarityTransform":
        """The similarity that carries the reference's rigid points nearest to the face's.

        Least squares (Umeyama 1991, in the plane: with points as complex numbers it is one division).
        """
        source, goal = _complex(reference[points]), _complex(face[points])
        source_mean, goal_mean = source.mean(), goal.mean()
        source, goal = source - source_mean, goal - goal_mean
        factor = np.vdot(source, goal) / max(np.vdot(source, source).real, 1e-12)
        shift = goal_mean - factor * source_mean
        matrix = np.array([[factor.real, -factor.imag], [factor.imag, factor.real]])
        return cls(matrix, np.array([shift.real, shift.imag]))

    def apply(self, points: np.ndarray) -> np.ndarray:
        return points @ self.matrix.T + self.shift

    def apply_inverse(self, points: np.ndarray) -> np.ndarray:
        return (points - self.shift) @ np.linalg.inv(self.matrix).T

    @property
    def scale(self) -> float:
        return float(np.hypot(*self.matrix[:, 0]))

    @property
    def roll(self) -> float:
        """In radians, clockwise in the picture."""
        return float(np.arctan2(self.matrix[1, 0], self.matrix[0, 0]))


def _complex(points: np.ndarray) -> np.ndarray:
    return points[..., 0] + 1j * points[..., 1]
