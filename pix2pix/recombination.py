"""Training pairs with the eyes and brows of another frame: expressions that were not filmed together.

In a short video a smile may never meet shut eyes, and one eye may never shut alone. The generator then has
never seen that drawing, and paints a mixture of frames that have the one or the other, shirt and background
included. Here both eyes with their brows, or one eye with its brow, of a frame with nearly the same head pose
are moved into the picture, and their landmarks likewise.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from face2face.face.geometry import LEFT_BROW, LEFT_EYE, RIGHT_BROW, RIGHT_EYE, interocular_distance
from face2face.face.head_pose import HEAD
from face2face.face.similarity import SimilarityTransform, align
from face2face.target.sidecar import Entry

SIDES = np.r_[LEFT_BROW, LEFT_EYE], np.r_[RIGHT_BROW, RIGHT_EYE]
"""Landmarks of one brow and its eye, in the order of the irises."""
ONE_SIDE_SHARE = 0.5
"""Share of the recombined pairs that get one eye and its brow, not both."""

NEAR_SHARE = 0.1
"""Share of the frames, those of the nearest head poses, from which one is taken."""
LEAST_NEAR = 8
"""Number of frames from which one is taken at least, where there are as many."""
CANDIDATES = 4
"""So many of the near frames are drawn at random, and that of the most different upper face is taken."""
MAX_POSE_DIFFERENCE = 0.05
"""Maximum distance of the head's points from the other frame's, root mean square, interocular distances."""

# In interocular distances.
MARGIN = 0.16
"""Of the moved region around its landmarks: the lids' folds, the brows' hair."""
FEATHER = 0.06
"""Standard deviation of the region's soft edge."""
SMOOTHNESS = 0.25
"""Standard deviation of the smooth difference of colour that is taken out: other light on the same skin."""
CONTEXT = 0.3
"""How far around the region the colours are compared."""

COARSENESS = 4
"""The smooth difference is computed on a grid of so many pixels."""
LEAST_WEIGHT = 1e-3
"""Added to the weight of what is known: deep in a region there may be none."""


class Recombiner:
    """Finds, for each frame of a training, others with nearly the same head pose and another upper face.

    Args:
        entries: The landmarks of the training's frames.
    """

    def __init__(self, entries: Sequence[Entry]) -> None:
        faces = np.array([entry.points for entry in entries], np.float64)
        upright, _ = align(faces, faces[0])
        upright, _ = align(upright, upright.mean(axis=0))
        upright /= float(interocular_distance(upright.mean(axis=0)))
        self._heads = upright[:, HEAD].reshape(len(faces), -1)
        self._sides = [upright[:, points].reshape(len(faces), -1) for points in SIDES]
        self._videos = np.array([entry.video for entry in entries])

    def find(self, index: int, sides: Sequence[int], rng: np.random.Generator) -> int | None:
        """Find the frame that gives eyes and brows to another one.

        Args:
            index: The frame that takes them.
            sides: Of which sides, indices of `SIDES`.
            rng: Source of the randomness.

        Returns:
            The other frame's index, of the same video, because another one may have other light, make-up or
            glasses; None if no head pose is near enough.
        """
        distances = np.linalg.norm(self._heads - self._heads[index], axis=1) / np.sqrt(len(HEAD))
        distances[(self._videos != self._videos[index]) | (np.arange(len(distances)) == index)] = np.inf
        count = min(max(LEAST_NEAR, round(NEAR_SHARE * len(distances))), len(distances))
        near = np.argpartition(distances, count - 1)[:count]
        near = near[distances[near] <= MAX_POSE_DIFFERENCE]
        if not len(near):
            return None
        drawn = rng.choice(np.sort(near), CANDIDATES)
        parts = np.concatenate([self._sides[side] for side in sides], axis=1)
        return int(drawn[np.argmax(np.linalg.norm(parts[drawn] - parts[index], axis=1))])


@dataclass(frozen=True)
class LabelledFrame:
    """A frame of a training and where its face is.

    Attributes:
        entry: Its landmarks, in pixels of the picture.
        picture: uint8 (H, W, 3).
    """

    entry: Entry
    picture: np.ndarray


def random_sides(rng: np.random.Generator) -> tuple[int, ...]:
    """Draw of which sides eyes and brows are taken from another frame: one or both, indices of `SIDES`."""
    return (int(rng.integers(2)),) if rng.random() < ONE_SIDE_SHARE else (0, 1)


def recombined(frame: LabelledFrame, other: LabelledFrame, sides: Sequence[int]) -> LabelledFrame:
    """Replace eyes and brows of a frame by another frame's.

    Args:
        frame: The frame that gives the rest.
        other: The frame that gives eyes and brows; its head pose has to be nearly the same.
        sides: Of which sides, indices of `SIDES`.
    """
    taken = np.concatenate([SIDES[side] for side in sides])
    points = frame.entry.points.astype(np.float64)
    size = float(interocular_distance(points))
    move = SimilarityTransform.estimate(other.entry.points, points)
    moved = points.copy()
    moved[taken] = move.apply(other.entry.points[taken])
    irises = frame.entry.irises
    if irises is not None:
        others = other.entry.irises
        irises = irises.copy()
        irises[list(sides)] = np.nan if others is None else move.apply(others)[list(sides)]
    picture = frame.picture.copy()
    _move_in(picture, other.picture, move, np.concatenate([points[taken], moved[taken]]), size)
    return LabelledFrame(replace(frame.entry, points=moved.astype(np.float32), irises=irises), picture)


def _move_in(
    picture: np.ndarray, other: np.ndarray, move: SimilarityTransform, around: np.ndarray, size: float
) -> None:
    """Replace a region of a picture by another picture's, in place, with a soft edge and no step of colour.

    Args:
        picture: uint8 (H, W, 3).
        other: uint8 (K, L, 3).
        move: From the other picture's pixels to this one's.
        around: Points around which the region is, float (N, 2), pixels.
        size: Interocular distance, pixels.
    """
    reach = MARGIN * size + 3 * FEATHER * size + CONTEXT * size
    sides = np.array(picture.shape[1::-1])
    low = np.clip(np.floor(around.min(axis=0) - reach), 0, sides - 1).astype(int)
    high = np.clip(np.ceil(around.max(axis=0) + reach) + 1, low + 1, sides).astype(int)
    width, height = (int(side) for side in high - low)
    part = picture[low[1] : high[1], low[0] : high[0]]
    hull = np.zeros((height, width), np.uint8)
    cv2.fillConvexPoly(hull, cv2.convexHull(np.rint(around - low).astype(np.int32)), 1)
    distances = cv2.distanceTransform(1 - hull, cv2.DIST_L2, cv2.DIST_MASK_3)
    region = (distances <= MARGIN * size).astype(np.float32)
    matrix = np.column_stack([move.matrix, move.shift - low])
    patch = cv2.warpAffine(
        other, matrix, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )
    mask = cv2.GaussianBlur(region, (0, 0), FEATHER * size)[..., None]
    difference = part.astype(np.float32) - patch
    light = _continued(difference, 1 - region, SMOOTHNESS * size)
    part[:] = np.rint(part + mask * (light - difference)).clip(0, 255)


def _continued(difference: np.ndarray, known: np.ndarray, deviation: float) -> np.ndarray:
    """Continue a difference of two pictures smoothly from where it is known.

    Args:
        difference: float32 (H, W, 3).
        known: float32 (H, W), 1 where it is known, else 0.
        deviation: Standard deviation of the Gaussian, pixels.

    Returns:
        float32 (H, W, 3).
    """
    high, wide = known.shape
    small = max(wide // COARSENESS, 1), max(high // COARSENESS, 1)
    weighted = np.concatenate([difference * known[..., None], known[..., None]], axis=2)
    weighted = cv2.resize(weighted, small, interpolation=cv2.INTER_AREA)
    weighted = cv2.GaussianBlur(weighted, (0, 0), deviation / COARSENESS)
    light = weighted[..., :3] / (weighted[..., 3:] + LEAST_WEIGHT)
    return cv2.resize(light, (wide, high), interpolation=cv2.INTER_LINEAR)
