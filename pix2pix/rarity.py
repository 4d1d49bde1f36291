"""How rare each training face is: a pair with a rare face is drawn more often than one with a usual face.

A person looks straight ahead and at rest most of the time, so a network sees wide smiles, open mouths and
turned heads in few pairs. A driver makes them as often as he likes.
"""

import numpy as np

from face2face.face.geometry import align
from face2face.sampling import spread_indices

NEIGHBOUR = 10
"""A face is as rare as its neighbour of this rank is far."""

MAX_NEIGHBOURS = 2000
"""So many faces, spread over all, are neighbours at most."""

RANGE = (0.7, 3.0)
"""Bounds of the rarity: the few beyond may be detection errors."""

_ROWS = 4096  # faces that are compared with their neighbours at a time


def rarity(points: np.ndarray) -> np.ndarray:
    """How rare faces are among themselves, wherever the head is.

    Args:
        points: float (N, 68, 2), of one person in N pictures, pixels.

    Returns:
        float (N,): distance to the tenth nearest face, over the median of these distances, within `RANGE`.
    """
    shapes, _ = align(points.astype(np.float64), np.median(points, axis=0).astype(np.float64))
    values = shapes.reshape(len(shapes), -1)
    values -= values.mean(axis=0)  # squares of small numbers keep their digits
    others = values[spread_indices(len(values), min(len(values), MAX_NEIGHBOURS))]
    rank = min(NEIGHBOUR, len(others) - 1)
    squares = np.einsum("ij,ij->i", others, others)
    distances = []
    for begin in range(0, len(values), _ROWS):
        rows = values[begin : begin + _ROWS]
        squared = np.einsum("ij,ij->i", rows, rows)[:, None] + squares - 2 * rows @ others.T
        distances.append(np.sqrt(np.maximum(np.partition(squared, rank, axis=1)[:, rank], 0)))
    far = np.concatenate(distances)
    return np.clip(far / max(float(np.median(far)), 1e-6), *RANGE)
