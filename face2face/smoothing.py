"""Landmarks steadied in time: still when the face is still, without lag when it moves.

The detector places the points of a still face anew in each frame, up to a hundredth of the eyes' distance
apart: the picture shakes. A plain low-pass filter would trade that for lag, and swallow blinks. As in the
One Euro filter (Casiez, Roussel and Vogel, CHI 2012) the strength of the filter goes with the speed of the
motion, but speed is not taken from one point's derivative: it is how far a whole region's points have left
their filtered place together, against what noise does to them. So a blink is let through in its first frame.
"""

import math
from dataclasses import dataclass

import numpy as np

from face2face.geometry import Pose, eye_distance

REGIONS = (
    slice(0, 17),  # jaw
    slice(17, 22),  # brows
    slice(22, 27),
    slice(27, 36),  # nose
    slice(36, 42),  # eyes
    slice(42, 48),
    slice(48, 68),  # lips
)

DEFAULT_STRENGTH = 0.5

# At the default strength; the first goes down with it, the others up.
REST_CUTOFF_HZ = 0.3
"""Of a face at rest: what changes faster is taken for noise."""

NOISE = 0.014
"""How far noise alone moves a region, root mean square over its points, in distances of the eyes."""

MOTION = 0.021
"""A region this far from its filtered place moves: it is followed at once."""


class Smoother:
    """Filters one face's points from frame to frame: its head motion first, then each region's expression."""

    def __init__(self, strength: float = DEFAULT_STRENGTH):
        """strength: 0 (the points as they are) to 1 (the steadiest)."""
        self._strength = strength / DEFAULT_STRENGTH
        self._points: np.ndarray | None = None
        self._seconds = 0.0

    def reset(self) -> None:
        """Forget the past: the next face is another one, or came back after a while."""
        self._points = None

    def __call__(self, points: np.ndarray, seconds: float) -> np.ndarray:
        """The steadied points of a frame.

        Args:
            points: float (68, 2), as detected.
            seconds: the frame's time stamp.
        Returns:
            float (68, 2).
        """
        if self._points is None or self._strength == 0:
            self._points, self._seconds = points, seconds
            return points
        gain = _Gain(self._strength, seconds - self._seconds, float(eye_distance(points)))
        steady = self._points
        # Head motion: carry the filtered face along with the part of the motion that is no noise.
        motion = Pose.between(steady, points, slice(None))
        steady = steady + gain.of(motion.apply(steady) - steady) * (motion.apply(steady) - steady)
        # Expression: what is left, region by region.
        left = points - motion.apply(self._points)
        steady = steady.copy()
        for region in REGIONS:
            steady[region] += gain.of(left[region]) * left[region]
        self._points, self._seconds = steady, seconds
        return steady


@dataclass(frozen=True)
class _Gain:
    """How much of a displacement is followed: 1 for motion, little for noise."""

    strength: float
    elapsed: float
    unit: float

    def of(self, displacement: np.ndarray) -> float:
        distance = math.sqrt(float(np.mean(np.sum(displacement**2, axis=-1)))) / self.unit
        low, high = self.strength * NOISE, self.strength * MOTION
        moving = min(max((distance - low) / (high - low), 0.0), 1.0)
        at_rest = 1 - math.exp(-2 * math.pi * REST_CUTOFF_HZ * max(self.elapsed, 0.0) / self.strength)
        return at_rest + (1 - at_rest) * moving * moving * (3 - 2 * moving)
