"""Statistics of the target's landmarks in model space: neutral face, head motion, PCA of the expression."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from face2face.face.geometry import (
    EYE_ASPECT_RATIOS,
    SHUT_EYE_ASPECT_RATIO,
    eye_aspect_ratio,
    interocular_distance,
    mouth_openness,
    mouth_width,
)
from face2face.face.similarity import SimilarityTransform, align
from face2face.target.gaze import TargetGaze
from face2face.target.head_places import HeadPlaces
from face2face.target.known_shapes import TrainingShapes
from face2face.target.ranges import RANGE_PERCENTILES, value_ranges

NEUTRAL_SHARE = 0.2
"""The neutral face is the median of this share of the target's frames, those with the least expression."""

MAX_COMPONENTS = 24
EXPLAINED = 0.995
"""PCA components are kept until they explain this share of the variance, `MAX_COMPONENTS` at most."""

SHUT_PERCENTILE = 1.0
"""Percentile of the eye aspect ratio that counts as shut: people blink in a few frames of a hundred."""

USUAL_SHUT_RATIO = 0.45
"""Gap that the detector leaves between shut lids, over the gap at rest, of an unknown face: 0.3 to 0.6."""

WITH_IRISES = 1.1
"""Eyes are drawn with an iris if their aspect ratio is `SHUT_EYE_ASPECT_RATIO` times this, also where the
known shapes change it a little."""


@dataclass(frozen=True)
class TargetFace:
    """The statistics of a face's landmarks in model space.

    Expression is what is left of a face after alignment to the neutral one.

    Attributes:
        neutral: The face at rest, float (68, 2), pixels.
        motion: Ranges of the head motion, float (4, 2): see `head_motion`.
        components: PCA components of the expression, float (K, 136), of length 1, about the neutral face.
        ranges: Low and high coefficient of each component, float (K, 2), pixels.
        residual: Largest length of what the components leave unexplained, over all 136 coordinates, pixels.
        shut_eyes: Eye aspect ratio of shut eyes, for which the detector leaves a gap, over that at rest.
        open_mouth: Mouth openness at its widest, in interocular distances.
        shapes: The shapes that the generator was trained on; None if they are unknown, or too few.
        gaze: The target's gaze; None if the generator was trained without irises.
        places: Where the head was at each roll; None if it is unknown, or was measured in too few frames.
    """

    neutral: np.ndarray
    motion: np.ndarray
    components: np.ndarray
    ranges: np.ndarray
    residual: float
    shut_eyes: float
    open_mouth: float
    shapes: TrainingShapes | None = None
    gaze: TargetGaze | None = None
    places: HeadPlaces | None = None

    @classmethod
    def measure(cls, points: np.ndarray, irises: np.ndarray | None = None) -> "TargetFace":
        """Measure the statistics of one face in N pictures.

        Args:
            points: float (N, 68, 2), in pixels of model space.
            irises: float (N, 2, 2), likewise, NaN where none was found; None: they were not looked for.
        """
        neutral = neutral_face(points)
        shapes, transforms = align(points, neutral)
        expressions = (shapes - neutral).reshape(len(points), -1)
        # PCA about the neutral face, not about the mean: the neutral face has coefficients of 0.
        _, spread, components = np.linalg.svd(expressions, full_matrices=False)
        explained = np.cumsum(spread**2) / max(np.sum(spread**2), 1e-12)
        kept = min(int(np.searchsorted(explained, EXPLAINED)) + 1, MAX_COMPONENTS, len(components))
        components = components[:kept]
        coefficients = expressions @ components.T
        residual = np.linalg.norm(expressions - coefficients @ components, axis=1)
        motions = np.array([head_motion(transform, neutral) for transform in transforms])
        shut = np.percentile(eye_aspect_ratio(shapes), SHUT_PERCENTILE) / eye_aspect_ratio(neutral)
        return cls(
            neutral=neutral,
            motion=value_ranges(motions),
            components=components,
            ranges=value_ranges(coefficients),
            residual=float(np.percentile(residual, RANGE_PERCENTILES[1])),
            shut_eyes=float(min(shut, 1.0)),
            open_mouth=float(np.percentile(mouth_openness(shapes), RANGE_PERCENTILES[1])),
            shapes=TrainingShapes.choose(expressions),
            gaze=None if irises is None else TargetGaze.measure(points, irises),
            places=HeadPlaces.measure(motions, interocular_distance(neutral)),
        )

    @property
    def drawn_shut_eyes(self) -> float:
        """Eye aspect ratio of shut eyes in drawings, over that at rest.

        It is `shut_eyes`, but for a target who was hardly ever filmed with shut eyes. His are drawn narrower
        than filmed, as warped pairs are, but with irises: if they are left out, his generator paints eyes
        that are open and white.
        """
        narrower = min(float(aspect_ratio(self.neutral)) for aspect_ratio in EYE_ASPECT_RATIOS)
        narrowest = WITH_IRISES * SHUT_EYE_ASPECT_RATIO / max(narrower, 1e-6)
        return min(self.shut_eyes, max(USUAL_SHUT_RATIO, narrowest))


def head_motion(transform: SimilarityTransform, neutral: np.ndarray) -> np.ndarray:
    """Head motion from the neutral face, about its mean point.

    Args:
        transform: From the neutral face to the moved one.
        neutral: float (68, 2), the neutral face.

    Returns:
        float (4,): shift x and shift y in the points' unit, natural logarithm of the scale, roll in radians.
    """
    middle = neutral.mean(axis=0)
    return np.array([*(transform.apply(middle) - middle), np.log(transform.scale), transform.roll])


def move_head(points: np.ndarray, neutral: np.ndarray, motion: Sequence[float]) -> np.ndarray:
    """Apply a head motion, as `head_motion` measures it, to a face.

    Args:
        points: float (68, 2), a face in the neutral pose, with any expression.
        neutral: float (68, 2), the neutral face, about whose mean point it is moved.
        motion: float (4,).

    Returns:
        float (68, 2).
    """
    shift_x, shift_y, log_scale, roll = motion
    cos, sin = np.exp(log_scale) * np.cos(roll), np.exp(log_scale) * np.sin(roll)
    middle = neutral.mean(axis=0)
    return (points - middle) @ np.array([[cos, -sin], [sin, cos]]).T + middle + (shift_x, shift_y)


def neutral_face(points: np.ndarray) -> np.ndarray:
    """Estimate the face at rest: mouth shut and relaxed, eyes open.

    Args:
        points: float (N, 68, 2), the same face in N pictures.

    Returns:
        float (68, 2): the median of the frames with the least expression, aligned to the median of all.
    """
    shapes, _ = align(points, np.median(points, axis=0))
    eyes = eye_aspect_ratio(shapes)
    expression = _relative(mouth_openness(shapes)) + _relative(mouth_width(shapes))
    expression += _relative(-np.minimum(eyes, np.median(eyes)))
    calmest = shapes[np.argsort(expression)[: max(1, round(len(shapes) * NEUTRAL_SHARE))]]
    return np.median(calmest, axis=0).astype(np.float64)


def _relative(values: np.ndarray) -> np.ndarray:
    """Values scaled so that the 10th percentile is 0 and the 90th is 1; at least 0."""
    low, high = np.percentile(values, [10, 90])
    return np.clip((values - low) / max(high - low, 1e-6), 0, None)
