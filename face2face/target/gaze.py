"""Gaze: the target's range, measured in training, and the driver's gaze carried into it.

Gaze is where the irises are in their eyes, float (2, 2), see `irises.gaze_of`.
"""

import math
from dataclasses import dataclass
from typing import Annotated

import msgspec
import numpy as np

from face2face.face.irises import gaze_of
from face2face.target.ranges import soft_clip, value_ranges

MIN_GAZES = 30
"""Of fewer pictures with both irises, nothing is known of a target's gaze, and none is drawn."""

_InEye = Annotated[float, msgspec.Meta(ge=-10, le=10)]
IrisOffset = tuple[_InEye, _InEye]
"""Where an iris is in its eye, across and down, in files."""
OffsetRange = tuple[_InEye, _InEye]
"""Low and high of one such coordinate's deviation, in files."""

USUAL_REST = np.array([[0.02, -0.11], [-0.02, -0.11]])
"""Gaze into the camera: the mean of five people. The landmarks of the lower lids lie nearer to the middle of
the corners than those of the upper ones, so the irises are above it."""

CROSSED = 0.15
"""Spread of the vergence (left gaze across less right gaze across), from its 10th to its 90th percentile, in
distances of the eye's corners, above which a person crosses the eyes at times. For others it is 0.05."""

USUAL_WEIGHT = 8
"""Weight of the usual gaze, in pictures of the driver."""

ENOUGH_GAZES = 600
"""Number of pictures whose median is the driver's gaze at rest; later ones are not looked at."""

HOLD_GAZE_SECONDS = 0.5
"""How long the last gaze is kept while no iris is found: in a blink, or a blurred frame. In seven people's
clips the last gaze is nearer to the true one than the gaze at rest is for 0.1 to 0.75 s."""

GAZE_RETURN_SECONDS = 0.2
"""Time constant with which the gaze returns to the one at rest after that. The irises are not left out: in
training, eyes without them were mostly shut, so a generator paints lids into open ones, or white eyes (two
targets)."""


def held_gaze(gaze: np.ndarray, rest: np.ndarray, unknown_for: float) -> np.ndarray:
    """The gaze to draw: the last one, but the one at rest if no iris has been found for a while.

    Args:
        gaze: The last known one, float (2, 2).
        rest: The gaze into the camera, likewise.
        unknown_for: Seconds since it was known; 0 if it is.

    Returns:
        float (2, 2).
    """
    return rest + math.exp(min(HOLD_GAZE_SECONDS - unknown_for, 0.0) / GAZE_RETURN_SECONDS) * (gaze - rest)


@dataclass(frozen=True)
class TargetGaze:
    """The gaze of the target in its training pictures.

    Attributes:
        rest: The median gaze, float (2, 2), without crossed eyes if the target crosses them often.
        ranges: Deviation from it, float (2, 2, 2): by eye, by axis (across, down), low and high.
    """

    rest: np.ndarray
    ranges: np.ndarray

    @classmethod
    def measure(cls, points: np.ndarray, irises: np.ndarray) -> "TargetGaze | None":
        """Measure the gaze in N pictures.

        Args:
            points: float (N, 68, 2), pixels.
            irises: float (N, 2, 2), likewise, NaN where none was found.

        Returns:
            None if there are fewer than `MIN_GAZES` pictures with both irises.
        """
        gaze = gaze_of(points, irises)
        gaze = gaze[np.isfinite(gaze).all(axis=(1, 2))]
        if len(gaze) < MIN_GAZES:
            return None
        rest = np.median(_straight(gaze), axis=0)
        return cls(rest, value_ranges(gaze - rest))

    def carry(self, gaze: np.ndarray, driver_rest: np.ndarray) -> np.ndarray:
        """Carry a driver's gaze onto the target, within the target's range.

        Args:
            gaze: The driver's, float (2, 2).
            driver_rest: The driver's gaze into the camera, likewise.

        Returns:
            float (2, 2).
        """
        return self.rest + soft_clip(gaze - driver_rest, self.ranges)


def _straight(gaze: np.ndarray) -> np.ndarray:
    """Those of a person's gazes, float (N, 2, 2), in which the eyes are not crossed; all, if they never are.

    Crossed eyes are a grimace, which the target should not make while the driver looks straight on.
    """
    vergence = gaze[:, 0, 0] - gaze[:, 1, 0]
    low, high = np.percentile(vergence, (10, 90))
    if high - low <= CROSSED:
        return gaze
    usual = USUAL_REST[0, 0] - USUAL_REST[1, 0]
    return gaze[np.argsort(np.abs(vergence - usual))[: max(MIN_GAZES, len(gaze) // 10)]]


class DriverGaze:
    """Learns the driver's gaze into the camera, where most look most of the time."""

    def __init__(self, rest: np.ndarray | None = None) -> None:
        """Begin with a known gaze, or learn one.

        Args:
            rest: float (2, 2), or None.
        """
        self._known = rest
        self._seen: list[np.ndarray] = []
        self._usual_weight = USUAL_WEIGHT

    def update(self, gaze: np.ndarray) -> None:
        """Take the gaze in a picture into account, float (2, 2); one with NaN tells nothing."""
        if self._known is None and np.isfinite(gaze).all():
            self._seen.append(gaze)
            if len(self._seen) == ENOUGH_GAZES:
                self.settle()

    def restart(self) -> None:
        """Forget what was learned, because the driver is asked to look into the camera now."""
        self._known, self._seen, self._usual_weight = None, [], 0

    def settle(self) -> None:
        """Keep what was learned so far, if anything was."""
        self._known = self.rest if self.is_seen else None

    @property
    def is_seen(self) -> bool:
        """Whether anything is known of this driver's gaze."""
        return self._known is not None or bool(self._seen)

    @property
    def rest(self) -> np.ndarray:
        """The driver's gaze into the camera, float (2, 2)."""
        if self._known is not None:
            return self._known
        if not self._seen:
            return USUAL_REST
        weight = len(self._seen) / (len(self._seen) + self._usual_weight)
        return USUAL_REST + weight * (np.median(self._seen, axis=0) - USUAL_REST)
