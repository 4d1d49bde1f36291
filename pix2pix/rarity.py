"""How rare each training face is: a pair with a rare face is drawn more often than one with a usual face.

A person looks straight ahead and at rest most of the time, so a network sees wide smiles, open mouths and
turned heads in few pairs. A driver makes them as often as he likes.
"""

import numpy as np

from face2face.face.geometry import align, interocular_distance
from face2face.sampling import spread_indices
from face2face.target.known_shapes import PARTS
from face2face.target.statistics import head_motion

NEIGHBOUR = 10
"""A face is as rare as its neighbour of this rank is far."""

MAX_NEIGHBOURS = 2000
"""So many faces, spread over all, are neighbours at most."""

RANGE = (0.7, 3.0)
"""Bounds of the rarity: the few beyond may be detection errors."""

_ROWS = 4096  # faces that are compared with their neighbours at a time


def rarity(points: np.ndarray) -> np.ndarray:
    """How rare faces are among themselves.

    Args:
        points: float (N, 68, 2), of one person in N pictures, pixels.

    Returns:
        float (N,): the distance to the tenth nearest face, over the median of these distances. It is the mean
        of the parts of the face and of the head's pose, within `RANGE`.
    """
    points = points.astype(np.float64)
    neutral = np.median(points, axis=0)
    shapes, transforms = align(points, neutral)
    poses = np.array([head_motion(transform, neutral) for transform in transforms])
    poses[:, 2:] *= interocular_distance(neutral)  # scale and roll move points by about so much
    parts = [shapes[:, part.points].reshape(len(points), -1) for part in PARTS]
    mean = np.mean([_distances(values.astype(np.float32)) for values in (*parts, poses)], axis=0)
    return np.clip(mean / max(float(np.median(mean)), 1e-6), *RANGE)


def _distances(values: np.ndarray) -> np.ndarray:
    """Distance of each of N values, float32 (N, D), to a near one, over the median distance: float (N,)."""
    values = values - values.mean(axis=0)  # squares of small numbers keep their digits
    others = values[spread_indices(len(values), min(len(values), MAX_NEIGHBOURS))]
    rank = min(NEIGHBOUR, len(others) - 1)
    squares = np.einsum("ij,ij->i", others, others)
    distances = []
    for begin in range(0, len(values), _ROWS):
        rows = values[begin : begin + _ROWS]
        squared = np.einsum("ij,ij->i", rows, rows)[:, None] + squares - 2 * rows @ others.T
        distances.append(np.sqrt(np.maximum(np.partition(squared, rank, axis=1)[:, rank], 0)))
    far = np.concatenate(distances)
    return far / max(float(np.median(far)), 1e-6)
