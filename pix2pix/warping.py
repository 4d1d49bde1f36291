"""Random changes of a training picture's expression: its landmarks, and the picture warped along.

So the generator also learns eyes, mouths and brows that are a little wider, narrower or higher than those
that were filmed, as a driver's can be.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from face2face.face.geometry import (
    EYE_ASPECT_RATIOS,
    EYE_CORNERS,
    LEFT_EYE,
    LIPS,
    RIGHT_EYE,
    eye_to_eye,
    interocular_distance,
    mouth_openness,
    points_of,
)

SHARE = 0.5
"""Share of the pictures that are warped: the others show what was filmed."""

# Standard deviations at an amplitude of 1. Those of openings and widths are of the logarithm of a factor, the
# others are in interocular distances.
EYE_OPENING, ONE_EYE_OPENING = 0.14, 0.05
BROW_HEIGHT, ONE_BROW_HEIGHT = 0.025, 0.012
LIP_OPENING, MOUTH_WIDTH, CROOKED_MOUTH = 0.16, 0.05, 0.015

LIMIT = 2.0
"""No random number is farther from 0 than so many standard deviations."""

MIN_EYE_OPENING = 0.2
"""Eye aspect ratio from which on an eye is opened or narrowed: the picture of a shut one shows no iris."""

MIN_LIP_OPENING = 0.03
"""Mouth openness from which on lips are opened or closed: between shut ones the picture shows no teeth."""

UPPER_LIP_SHARE = 0.25
"""How much of a wider opening the upper lip makes."""

STIFFNESS = 1e-3
"""What is added to the diagonal, so that two landmarks in one place can be told apart."""

CHIN_SHARE = 0.6
"""How far the chin moves with the lower lip."""

REACH = 0.25
"""Distance over which the warp fades beside a landmark, in interocular distances."""

GRID = 40
"""Nodes of the grid over the face on which the warp is computed, along each side."""

_EYES = (LEFT_EYE, RIGHT_EYE)
_BROWS = (points_of("left brow"), points_of("right brow"))
_UPPER_LIPS = [49, 50, 51, 52, 53, 61, 62, 63]
_LOWER_LIPS = [55, 56, 57, 58, 59, 65, 66, 67]
_CHIN = [6, 7, 8, 9, 10]


@dataclass(frozen=True)
class _Chance:
    """Random numbers of an amplitude."""

    amplitude: float
    rng: np.random.Generator

    def number(self, deviation: float) -> float:
        """A normally distributed number about 0, within `LIMIT` standard deviations."""
        return self.amplitude * deviation * float(np.clip(self.rng.normal(), -LIMIT, LIMIT))

    def factor(self, deviation: float) -> float:
        """A factor whose logarithm is such a number."""
        return float(np.exp(self.number(deviation)))


def varied(points: np.ndarray, amplitude: float, rng: np.random.Generator) -> np.ndarray:
    """Change the expression of a face at random: eyes, brows, mouth and chin.

    Args:
        points: float (68, 2).
        amplitude: Of the changes; 1: the standard deviations above.
        rng: Source of the randomness.

    Returns:
        float (68, 2).
    """
    chance, size = _Chance(amplitude, rng), float(interocular_distance(points))
    across = eye_to_eye(points)
    across = across / max(float(np.hypot(*across)), 1e-6)
    down = np.array([-across[1], across[0]])
    moved = points.astype(np.float64)
    opening, height = chance.factor(EYE_OPENING), chance.number(BROW_HEIGHT)
    for eye, brow, corners, aspect_ratio in zip(_EYES, _BROWS, EYE_CORNERS, EYE_ASPECT_RATIOS, strict=True):
        factor = opening * chance.factor(ONE_EYE_OPENING)
        if aspect_ratio(points) >= MIN_EYE_OPENING:
            from_axis = (points[eye] - points[corners[0]]) @ down
            axis = (points[corners[1]] - points[corners[0]]) @ down
            along = (points[eye] - points[corners[0]]) @ across
            width = max((points[corners[1]] - points[corners[0]]) @ across, 1e-6)
            moved[eye] += np.outer((factor - 1) * (from_axis - axis * along / width), down)
        moved[brow] += (height + chance.number(ONE_BROW_HEIGHT)) * size * down
    _vary_mouth(moved, across, down, chance)
    return moved


def _vary_mouth(points: np.ndarray, across: np.ndarray, down: np.ndarray, chance: _Chance) -> None:
    """Widen the mouth, draw it to one side, and open it, in place.

    Args:
        points: float (68, 2).
        across: float (2,), the direction of the eyes, of length 1.
        down: float (2,), the direction from the eyes to the mouth, likewise.
        chance: The random numbers.
    """
    size, openness = float(interocular_distance(points)), float(mouth_openness(points))
    beside = (points[LIPS] - points[LIPS].mean(axis=0)) @ across
    points[LIPS] += np.outer((chance.factor(MOUTH_WIDTH) - 1) * beside, across)
    to_one_side = np.maximum(beside * chance.rng.choice((-1.0, 1.0)), 0) / max(
        float(np.abs(beside).max()), 1e-6
    )
    points[LIPS] += np.outer(to_one_side, chance.number(CROOKED_MOUTH) * size * down)
    wider = (chance.factor(LIP_OPENING) - 1) * openness * size
    if openness >= MIN_LIP_OPENING:
        points[_UPPER_LIPS] -= UPPER_LIP_SHARE * wider * down
        points[_LOWER_LIPS] += (1 - UPPER_LIP_SHARE) * wider * down
        points[_CHIN] += CHIN_SHARE * (1 - UPPER_LIP_SHARE) * wider * down


def warp_map(places: np.ndarray, sources: np.ndarray, reach: float, base: np.ndarray) -> np.ndarray:
    """Change a sampling map so that it maps each of `places` to its point in `sources`.

    The change fades out with the distance from them. Radial basis functions (Matern, of smoothness 3/2)
    interpolate the displacement.

    Args:
        places: float (N, 2), pixels of the result.
        sources: float (N, 2), where each is read in the source.
        reach: Of the functions, pixels of the result.
        base: float32 (S, S, 2), where each pixel of the result is read without the warp; it is affine.

    Returns:
        float32 (S, S, 2).
    """
    size = base.shape[0]
    origin, right, below = (base[at].astype(np.float64) for at in ((0, 0), (0, 1), (1, 0)))
    displacements = sources - (origin + places[:, :1] * (right - origin) + places[:, 1:] * (below - origin))
    low = np.clip(np.floor(places.min(axis=0) - 3 * reach), 0, size - 2).astype(int)
    high = np.clip(np.ceil(places.max(axis=0) + 3 * reach), low + 1, size - 1).astype(int)
    between = places[:, None] - places
    weights = np.linalg.solve(_matern(between, reach) + STIFFNESS * np.eye(len(places)), displacements)
    nodes = np.stack(np.meshgrid(*np.linspace(low, high, GRID).T), axis=-1).reshape(-1, 1, 2)
    bend = (_matern((nodes - places).astype(np.float32), reach) @ weights).astype(np.float32)
    bend = bend.reshape(GRID, GRID, 2)
    # The nodes at the corners are pixel centres.
    columns, rows = (np.arange(high[i] - low[i] + 1) * (GRID - 1) / (high[i] - low[i]) for i in range(2))
    at = np.meshgrid(columns.astype(np.float32), rows.astype(np.float32))
    warped = base.copy()
    warped[low[1] : high[1] + 1, low[0] : high[0] + 1] += cv2.remap(bend, *at, cv2.INTER_LINEAR)
    return warped


def _matern(differences: np.ndarray, reach: float) -> np.ndarray:
    """The radial basis function of differences, float (..., 2): 1 at 0, falling to 0."""
    scaled = np.sqrt(np.einsum("...i,...i", differences, differences)) * (np.sqrt(3) / reach)
    return (1 + scaled) * np.exp(-scaled)
