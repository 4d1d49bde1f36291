"""The driver's face at rest, found in all that has been seen of it, region by region.

Each face that is seen has a cost for each region: how far it is from calm, frontal, open-eyed and with a
relaxed mouth. What is usual for the driver is measured on the same faces, and on a few made-up ones while
they are few. A region at rest is the weighted median of the faces with the lowest costs. While their weights
are small, the target's own region takes its place.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from face2face.face.geometry import (
    BROWS,
    CHIN,
    EYES,
    JAW,
    LIPS,
    NOSE_BASE,
    NOSE_ROOT,
    NOSE_TIP,
    brow_height,
    eye_aspect_ratio,
    eye_to_eye,
    mouth_openness,
    mouth_shift,
    mouth_slant,
    mouth_width,
    points_of,
)
from face2face.face.similarity import SimilarityTransform

BEST = 40
"""A region at rest is measured on this many faces at most, those with the lowest costs."""

PRIOR_WEIGHT = 0.5
"""Weight of the target's region against the driver's faces, each of which weighs 1 if it is at rest."""

SIZE_RANGE = (0.7, 1.4)
"""Bounds of the driver's jaw against the target's, in width and height."""

_REGIONS = {
    "jaw": JAW,
    "nose": points_of("nose bridge", "lower nose"),
    "brows": BROWS,
    "eyes": EYES,
    "mouth": LIPS,
}
_LOWER_FACE = [*range(JAW.start, JAW.stop), *range(LIPS.start, LIPS.stop)]


class _Measures(NamedTuple):
    """Measures of a face, floats, or of N faces, float (N,) each. Lengths are in interocular distances.

    Attributes:
        yaw: The nose's tip between the sides of the jaw, -1 to 1.
        pitch: Length of the nose in the picture.
        eyes: Their aspect ratio.
        openness: Of the mouth.
        width: Of the mouth.
        brows: Their height.
        crooked: How crooked the mouth is.
    """

    yaw: np.ndarray | float
    pitch: np.ndarray | float
    eyes: np.ndarray | float
    openness: np.ndarray | float
    width: np.ndarray | float
    brows: np.ndarray | float
    crooked: np.ndarray | float


_USUAL = (
    _Measures(0.00, np.nan, 0.30, 0.015, 0.78, np.nan, 0.0),
    _Measures(-0.03, np.nan, 0.33, 0.010, 0.75, np.nan, 0.0),
    _Measures(0.03, np.nan, 0.28, 0.020, 0.80, np.nan, 0.0),
    _Measures(0.00, np.nan, 0.34, 0.015, 0.77, np.nan, 0.0),
)
"""Made-up faces at rest; NaN where people differ too much."""

_UNITS = _Measures(yaw=0.08, pitch=0.04, eyes=0.08, openness=0.02, width=0.04, brows=0.02, crooked=0.06)
"""How far outside of its range at rest a measure costs 1; that of the eyes, in that of open eyes. Tried on
six clips, as the next two."""

_JAW_OPENNESS_UNIT = 0.1
"""The same of the mouth's openness, for the jaw, which it changes less than the lips."""

_SPEED_UNIT = 0.5
"""The same of the speed, in interocular distances a second."""


@dataclass(frozen=True)
class _Seen:
    """What is kept of one face.

    Attributes:
        shape: float (136,), the points, aligned to the prior.
        pose: float (4,), the similarity transform from the prior: first column of its matrix, and its shift.
        measures: What its costs are calculated from.
        speed: Mean speed of its points, in interocular distances a second.
    """

    shape: np.ndarray
    pose: np.ndarray
    measures: _Measures
    speed: float


class RestFinder:
    """Finds the face at rest in the faces that it is shown."""

    def __init__(self, prior: np.ndarray) -> None:
        """Start without a face.

        Args:
            prior: float (68, 2), the target's face at rest, in any unit.
        """
        # About its middle: the parts of a pose are combined separately, and a shift about a far place would
        # depend on the turn and the scale of its own frame.
        self._prior = prior - np.mean(prior, axis=0, dtype=np.float64)
        self._seen: list[_Seen] = []

    def add(self, points: np.ndarray, speed: float = 0.0) -> None:
        """Take a face into account.

        Args:
            points: float (68, 2), in pixels of the driver's frame.
            speed: Mean speed of its points, in interocular distances a second; 0: unknown.
        """
        transform = SimilarityTransform.estimate(self._prior, points)
        pose = np.array([*transform.matrix[:, 0], *transform.shift])
        self._seen.append(_Seen(transform.apply_inverse(points).ravel(), pose, _measure(points), speed))

    def face(self) -> np.ndarray:
        """The face at rest, float (68, 2), in pixels of the driver's frame. One face was added at least."""
        shapes = np.array([seen.shape for seen in self._seen]).reshape(len(self._seen), -1, 2)
        costs = _costs([seen.measures for seen in self._seen], np.array([seen.speed for seen in self._seen]))
        rest = self._fitted_prior(shapes, costs["jaw"])
        for region, points in _REGIONS.items():
            best = np.argsort(costs[region], kind="stable")[:BEST]
            weights = np.exp(-costs[region][best] / 2)
            known = weights.sum() / (weights.sum() + PRIOR_WEIGHT)
            found = weighted_median(shapes[best, points].reshape(len(best), -1), weights).reshape(-1, 2)
            rest[points] += known * (found - rest[points])
        head = costs["nose"]
        best = np.argsort(head, kind="stable")[:BEST]
        poses = np.array([self._seen[index].pose for index in best])
        a, b, x, y = weighted_median(poses, np.exp((head.min() - head[best]) / 2))
        return SimilarityTransform(np.array([[a, -b], [b, a]]), np.array([x, y])).apply(rest)

    def _fitted_prior(self, shapes: np.ndarray, costs: np.ndarray) -> np.ndarray:
        """The prior with its lower face as wide and as high as the driver's.

        Args:
            shapes: float (N, 68, 2), aligned to the prior.
            costs: float (N,), of the jaw.
        """
        fitted = self._prior.copy()
        sizes = _jaw_sizes(shapes) / np.maximum(_jaw_sizes(self._prior), 1e-6)
        size = np.clip(weighted_median(sizes, np.exp((costs.min() - costs) / 8)), *SIZE_RANGE)
        fitted[_LOWER_FACE] = fitted[NOSE_BASE] + (fitted[_LOWER_FACE] - fitted[NOSE_BASE]) * size
        return fitted


def weighted_median(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Weighted median of each column: the lowest value up to which half of the weight lies.

    Args:
        values: float (N, D).
        weights: float (N,), at least 0.

    Returns:
        float (D,).
    """
    order = np.argsort(values, axis=0, kind="stable")
    weight = np.cumsum(weights[order], axis=0)
    middle = np.argmax(weight >= weight[-1] / 2, axis=0)
    return np.take_along_axis(values, np.take_along_axis(order, middle[None], axis=0), axis=0)[0]


def _jaw_sizes(shapes: np.ndarray) -> np.ndarray:
    """Width of the jaw, and height of the chin below the nose: float (..., 68, 2) -> (..., 2)."""
    width = np.ptp(shapes[..., JAW, 0], axis=-1)
    return np.stack([width, shapes[..., CHIN, 1] - shapes[..., NOSE_BASE, 1]], axis=-1)


def _measure(points: np.ndarray) -> _Measures:
    """Measure a face, float (68, 2), for its costs."""
    along = eye_to_eye(points)
    across = points @ along / (along @ along)
    down = points @ np.array([-along[1], along[0]]) / (along @ along)
    left, right = across[1:4].mean(), across[13:16].mean()
    return _Measures(
        yaw=(2 * across[NOSE_TIP] - left - right) / max(right - left, 1e-6),
        pitch=down[NOSE_TIP] - down[NOSE_ROOT],
        eyes=float(eye_aspect_ratio(points)),
        openness=float(mouth_openness(points)),
        width=float(mouth_width(points)),
        brows=float(brow_height(points)),
        crooked=float(mouth_shift(points) + mouth_slant(points)),
    )


def _costs(measures: Sequence[_Measures], speed: np.ndarray) -> dict[str, np.ndarray]:
    """How far each face is from rest.

    Args:
        measures: Of N faces.
        speed: float (N,), in interocular distances a second.

    Returns:
        For each region float (N,), 0 at rest.
    """
    known = np.array([*measures, *_USUAL])
    faces, known, usual = (
        _Measures(*np.array(measures).T),
        _Measures(*known.T),
        _Measures(*np.nanmedian(known, 0)),
    )
    # Eyes are open most of the time; a mouth may be shut, or not be wide, only now and then.
    open_eyes = np.percentile(known.eyes, 70)
    shut_lips = min(np.percentile(known.openness, 10), 0.03) + 0.01
    relaxed = np.percentile(known.width[known.openness <= shut_lips], 20)
    head = _excess(faces.yaw, usual.yaw, usual.yaw, _UNITS.yaw)
    head += _excess(faces.pitch, usual.pitch, usual.pitch, _UNITS.pitch)
    head += _excess(speed, 0, 0.1, _SPEED_UNIT)
    lips = _excess(faces.openness, 0, shut_lips, _UNITS.openness)
    lips += _excess(faces.width, relaxed - 0.02, relaxed + 0.02, _UNITS.width)
    lips += _excess(faces.crooked, usual.crooked, usual.crooked, _UNITS.crooked)
    lids = _excess(faces.eyes, 0.95 * open_eyes, 1.05 * open_eyes, _UNITS.eyes * open_eyes)
    # A smile changes the whole face a little.
    return {
        "jaw": head / 2 + lips / 32 + _excess(faces.openness, 0, shut_lips, _JAW_OPENNESS_UNIT),
        "nose": head + lips / 32,
        "brows": head + lips / 64 + lids / 8 + _excess(faces.brows, usual.brows, usual.brows, _UNITS.brows),
        "eyes": head + lips / 32 + lids,
        "mouth": head + lips,
    }


def _excess(values: np.ndarray, low: float, high: float, unit: float) -> np.ndarray:
    """Squared distance of values, float (N,), from a range, in units."""
    return (np.maximum(np.maximum(low - values, values - high), 0) / unit) ** 2
