"""Where the target's head was in the training frames, depending on how far it was tilted.

Each component of the head motion has a range by itself (`TargetFace.motion`), and within all four of them lie
combinations that never occurred: a head that is tilted one way and shifted the other. The generator has not
seen them, and blurs hair and shoulders there.
"""

from dataclasses import dataclass

import numpy as np

from face2face.target.ranges import soft_clip

MIN_FRAMES = 100
"""Fewer training frames than these tell too little of where the head was."""

NOISE = np.array([0.02, 0.02, 0.01, 0.003])
"""Standard deviations of noise in shift x, shift y (interocular distances), the scale's logarithm and the
roll (radians). Its variances are added to the measured ones, so that a head that kept perfectly still has a
range, too."""

KEPT, SOFTNESS = 1.35, 0.3
"""A place up to `KEPT` standard deviations from the usual one is not changed. One further away is brought
nearer, to less than `KEPT * (1 + SOFTNESS)`: beyond that shoulders are blurred (`docs/trials.md`)."""


@dataclass(frozen=True)
class HeadPlaces:
    """Shift and scale of the head (see `statistics.head_motion`) as a linear function of its roll.

    Attributes:
        middle: Shift x, shift y and the scale's logarithm without roll, float (3,).
        slope: Their change per radian of roll, float (3,).
        whitening: float (3, 3). Deviations from them, times this matrix, are uncorrelated with variance 1.
    """

    middle: np.ndarray
    slope: np.ndarray
    whitening: np.ndarray

    @classmethod
    def measure(cls, motions: np.ndarray, unit: float) -> "HeadPlaces | None":
        """Measure where the head was, by linear regression.

        Args:
            motions: float (N, 4), see `statistics.head_motion`.
            unit: The target's interocular distance, in pixels.

        Returns:
            None of fewer than `MIN_FRAMES` frames.
        """
        if len(motions) < MIN_FRAMES:
            return None
        mean = motions.mean(axis=0)
        covariance = np.cov(motions.T) + np.diag((NOISE * (unit, unit, 1, 1)) ** 2)
        slope = covariance[:3, 3] / covariance[3, 3]
        conditional = covariance[:3, :3] - np.outer(slope, covariance[3, :3])
        return cls(mean[:3] - slope * mean[3], slope, np.linalg.inv(np.linalg.cholesky(conditional)))

    def bring_near(self, motion: np.ndarray) -> np.ndarray:
        """Bring a head's place near to where the target's was when it was tilted as far.

        Args:
            motion: float (4,), see `statistics.head_motion`.

        Returns:
            float (4,). The roll is not changed.
        """
        usual = self.middle + self.slope * motion[3]
        deviation = motion[:3] - usual
        length = float(np.linalg.norm(self.whitening @ deviation))
        kept = float(soft_clip(length, (0.0, KEPT), SOFTNESS))
        return np.append(usual + deviation * (kept / max(length, 1e-9)), motion[3])
