"""Landmarks steadied in time: still when the face is still, without lag when it moves.

The detector places the points of a still face anew in each frame, up to a hundredth of the eyes' distance
apart: the picture shakes. A plain low-pass filter would trade that for lag, and swallow blinks. As in the
One Euro filter (Casiez, Roussel and Vogel, CHI 2012) the strength of the filter goes with the speed of the
motion, but speed is not taken from one point's derivative: it is how far a whole region's points have left
their filtered place together, against what noise does to them. So a blink is let through in its first frame.
"""

import math

import numpy as np

from face2face.face.geometry import SimilarityTransform, interocular_distance

# How far noise moves a region at the most, root mean square over its points, in distances of the eyes: twice
# what 97 of 100 noisy pictures of a still face show. A jaw has no corners to hold on to; eyes have.
HEAD_NOISE = 0.010
REGION_NOISE = (
    (slice(0, 17), 0.022),  # jaw
    (slice(17, 22), 0.017),  # brows
    (slice(22, 27), 0.017),
    (slice(27, 36), 0.010),  # nose
    (slice(36, 42), 0.009),  # eyes
    (slice(42, 48), 0.009),
    (slice(48, 68), 0.014),  # lips
)

MOTION = 1.6
"""A region that many times further from its filtered place than noise explains is followed at once."""

REST_CUTOFF_HZ = 0.3
"""Of a face at rest: what changes faster is taken for noise."""

DEFAULT_STRENGTH = 0.5
"""The above hold at this strength. The limits of noise grow with it, and the cutoff falls."""


class Smoother:
    """Filters one face's points from frame to frame: its head motion first, then each region's expression."""

    def __init__(self, strength: float = DEFAULT_STRENGTH):
        """strength: 0 (the points as they are) to 1 (the steadiest)."""
        self._strength = strength / DEFAULT_STRENGTH
        self._points: np.ndarray | None = None
        self._seconds = 0.0
        self._count = 0

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
            self._points, self._seconds, self._count = points, seconds, 1
            return points
        self._count += 1
        elapsed = max(seconds - self._seconds, 0.0)
        at_rest = 1 - math.exp(-2 * math.pi * REST_CUTOFF_HZ * elapsed / self._strength)
        at_rest = max(at_rest, 1 / self._count)  # the first frames count as much as each other
        unit = self._strength * float(interocular_distance(points))
        # Head motion: carry the filtered face along with the part of the motion that is no noise.
        motion = SimilarityTransform.estimate(self._points, points, slice(None)).apply(self._points)
        head = motion - self._points
        steady = self._points + _gain(head, HEAD_NOISE * unit, at_rest) * head
        # Expression: what is left, region by region.
        expression = points - motion
        for region, noise in REGION_NOISE:
            left = expression[region]
            steady[region] += _gain(left, noise * unit, at_rest) * left
        self._points, self._seconds = steady, seconds
        return steady


def _gain(displacement: np.ndarray, noise: float, at_rest: float) -> float:
    """How much of a displacement, float (N, 2), is followed: all of a motion, `at_rest` of noise."""
    distance = math.sqrt(float(np.mean(np.sum(displacement**2, axis=-1))))
    moving = min(max((distance / noise - 1) / (MOTION - 1), 0.0), 1.0)
    return at_rest + (1 - at_rest) * moving * moving * (3 - 2 * moving)
