"""Temporal smoothing of landmarks: still for a still face, without lag for a moving one.

The detector's points of a still face differ from frame to frame by up to 0.01 interocular distances, so the
generated picture shakes. A plain low-pass filter would add lag and remove blinks. As in the One Euro filter
(Casiez, Roussel and Vogel, CHI 2012) the cutoff rises with the speed of the motion. Speed is not one point's
derivative, but the distance of all points of a region from their filtered positions, compared with the
distance that noise explains. So a blink passes in its first frame.
"""

import math

import numpy as np

from face2face.face.geometry import interocular_distance, points_of
from face2face.face.similarity import SimilarityTransform

# Noise: the largest distance that noise moves a region, root mean square over its points, in interocular
# distances: twice the 97th percentile over noisy pictures of a still face. It is larger for the jaw, which
# has no corners, than for the eyes.
HEAD_NOISE = 0.010
REGION_NOISE = (
    (points_of("jaw"), 0.022),
    (points_of("left brow"), 0.017),
    (points_of("right brow"), 0.017),
    (points_of("nose bridge", "lower nose"), 0.010),
    (points_of("left eye"), 0.009),
    (points_of("right eye"), 0.009),
    (points_of("outer lips", "inner lips"), 0.014),
)

MOTION = 1.6
"""A region is followed without smoothing from this multiple of its noise on."""

REST_CUTOFF_HZ = 0.3
"""Cutoff frequency of the low-pass filter for a face at rest."""

GAZE_NOISE = 0.03
"""Noise of the gaze, as in `REGION_NOISE`, in distances of an eye's corners."""

DEFAULT_STRENGTH = 0.5
"""The strength at which the constants above hold. Noise is proportional to it, the cutoff inversely."""


class Smoother:
    """Filters one face's points over time: first the head motion, then the expression of each region."""

    def __init__(self, strength: float = DEFAULT_STRENGTH) -> None:
        """Start without a past.

        Args:
            strength: From 0 (no smoothing) to 1 (the most).
        """
        self._strength = strength / DEFAULT_STRENGTH
        self._points: np.ndarray | None = None
        self._seconds = 0.0
        self._count = 0

    def reset(self) -> None:
        """Forget the past, because the next face is another one or was away for a while."""
        self._points = None

    def __call__(self, points: np.ndarray, seconds: float) -> np.ndarray:
        """Filter the points of a frame.

        Args:
            points: float (68, 2), as detected, pixels.
            seconds: The frame's time stamp.

        Returns:
            float (68, 2).
        """
        if self._points is None or self._strength == 0:
            self._points, self._seconds, self._count = points, seconds, 1
            return points
        self._count += 1
        elapsed = max(seconds - self._seconds, 0.0)
        at_rest = max(_rest_gain(elapsed, self._strength), 1 / self._count)  # the first frames are averaged
        unit = self._strength * float(interocular_distance(points))
        # Head motion: the filtered face follows the part of the motion that is not noise.
        motion = SimilarityTransform.estimate(self._points, points, slice(None)).apply(self._points)
        head = motion - self._points
        steady = self._points + _gain(head, HEAD_NOISE * unit, at_rest) * head
        # Expression: the rest of the motion, region by region.
        expression = points - motion
        for region, noise in REGION_NOISE:
            residual = expression[region]
            steady[region] += _gain(residual, noise * unit, at_rest) * residual
        self._points, self._seconds = steady, seconds
        return steady


class GazeSmoother:
    """Filters the gaze over time, and keeps it where an eye shows none.

    Attributes:
        unknown_for: Seconds since the gaze of an eye was last known; 0 while it is.
    """

    unknown_for = 0.0

    def __init__(self, strength: float = DEFAULT_STRENGTH) -> None:
        """Start without a past.

        Args:
            strength: From 0 (no smoothing) to 1 (the most).
        """
        self._strength = strength / DEFAULT_STRENGTH
        self._gaze: np.ndarray | None = None
        self._seconds = 0.0

    def reset(self) -> None:
        """Forget the past."""
        self._gaze, self.unknown_for = None, 0.0

    def __call__(self, gaze: np.ndarray, seconds: float) -> np.ndarray | None:
        """Filter the gaze of a frame.

        Args:
            gaze: float (2, 2), of each eye, see `irises.gaze_of`; NaN where it is unknown.
            seconds: The frame's time stamp.

        Returns:
            float (2, 2). An unknown eye moves as the other one does; if both are unknown, the last gaze
            stays. None if none was ever known.
        """
        is_known = np.isfinite(gaze).all(axis=1)
        if not is_known.any():
            self.unknown_for = 0.0 if self._gaze is None else max(seconds - self._seconds, 0.0)
            return self._gaze
        self.unknown_for = 0.0
        if self._gaze is None:
            self._gaze = np.where(is_known[:, None], gaze, gaze[is_known].mean(axis=0))
            self._seconds = seconds
            return self._gaze
        elapsed, self._seconds = max(seconds - self._seconds, 0.0), seconds
        change = gaze - self._gaze
        change[~is_known] = change[is_known].mean(axis=0)
        gain = 1.0
        if self._strength:
            gain = _gain(change, GAZE_NOISE * self._strength, _rest_gain(elapsed, self._strength))
        self._gaze = self._gaze + gain * change
        return self._gaze


def _rest_gain(elapsed: float, strength: float) -> float:
    """Gain of the low-pass filter for a face at rest.

    Args:
        elapsed: Seconds since the last frame.
        strength: Above 0, over `DEFAULT_STRENGTH`.
    """
    return 1 - math.exp(-2 * math.pi * REST_CUTOFF_HZ * elapsed / strength)


def _gain(displacement: np.ndarray, noise: float, at_rest: float) -> float:
    """The share of a displacement that is followed: 1 for motion, `at_rest` for noise.

    Args:
        displacement: float (N, 2), from the filtered to the detected points of a region.
        noise: Root mean square displacement that noise explains, in the same unit.
        at_rest: Gain of the low-pass filter for a face at rest.
    """
    distance = math.sqrt(float(np.mean(np.sum(displacement**2, axis=-1))))
    moving = min(max((distance / noise - 1) / (MOTION - 1), 0.0), 1.0)
    return at_rest + (1 - at_rest) * moving * moving * (3 - 2 * moving)
