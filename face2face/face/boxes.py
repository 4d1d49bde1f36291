"""Boxes of faces: which one is nearest, whether two are one person's, the rank among all.

A box is float (4,): left, top, right, bottom, in pixels of the frame.
"""

from collections.abc import Iterable

import numpy as np

SAME_FACE_DISTANCE = 1.0
"""From this distance on, over the width of the face, a face is another person's."""

SAME_ASPECT = 0.02
"""Frames of another size show the same view if their aspect ratios differ by less, as a share."""


def is_same_view(size: tuple[int, int], other: tuple[int, int]) -> bool:
    """Whether frames of two sizes, (width, height) in pixels, can show the same, only scaled."""
    return abs(size[0] * other[1] / (size[1] * other[0]) - 1) < SAME_ASPECT


def has_moved(box: np.ndarray, last: np.ndarray, share: float) -> bool:
    """Whether a corner of a box is farther from the last one's than a share of its width."""
    return bool(np.abs(box - last).max() >= share * (last[2] - last[0]))


def distance(box: np.ndarray, to: np.ndarray) -> float:
    """Distance between the centres of two boxes, pixels."""
    return float(np.linalg.norm((box[:2] + box[2:]) - (to[:2] + to[2:])) / 2)


def nearest(boxes: Iterable[np.ndarray], to: np.ndarray) -> np.ndarray | None:
    """The box whose centre is nearest to another box's; None without boxes."""
    return min(boxes, key=lambda box: distance(box, to), default=None)


def is_same(box: np.ndarray, last: np.ndarray) -> bool:
    """Whether both can be the same person's, in successive frames."""
    return distance(box, last) < SAME_FACE_DISTANCE * (last[2] - last[0])


def rank_among(boxes: np.ndarray, own: np.ndarray) -> tuple[int, int]:
    """The rank of a face among all faces of a frame.

    Args:
        boxes: float (N, 4), from left to right.
        own: The face's box; it need not be one of them.

    Returns:
        Its rank from the left, from 0 on, and the number of faces with it.
    """
    distances = [distance(box, own) for box in boxes]
    if distances and is_same(boxes[np.argmin(distances)], own):
        return int(np.argmin(distances)), len(boxes)
    return int(np.sum(boxes[:, 0] + boxes[:, 2] < own[0] + own[2])), len(boxes) + 1
