"""The eyes of a tracked face, and its gaze: an eye is looked at when its picture has changed."""

import math
from dataclasses import dataclass

import numpy as np

from face2face.face.crop import scaled_part
from face2face.face.eyes import UNSEEN, EyeDetector, SeenEye
from face2face.face.geometry import EYE_CORNERS
from face2face.face.irises import gaze_of
from face2face.face.smoothing import DEFAULT_STRENGTH, GazeSmoother
from face2face.face.winks import visible_irises

MAX_EYE_DIFFERENCE = 3.0
"""Largest mean difference, of 255, between similar pictures of an eye. An iris that moves by a thirtieth of
the eye's width exceeds it. So the iris of an eye that looks straight ahead is detected in every tenth frame.
Where the eyes move much, the gaze differs by 0.003 to 0.008 eye widths (root mean square, three clips) from
the gaze that is detected in each frame."""
EYE_THUMBNAIL = (16, 8)
"""Width and height in pixels to which the picture between an eye's corners is scaled for that comparison."""


@dataclass(frozen=True)
class TrackedGaze:
    """The gaze in a frame, as in `irises.gaze_of`.

    Attributes:
        detected: float (2, 2), as last detected, NaN where it is unknown.
        smoothed: float (2, 2), the same, smoothed. While it is unknown, it is the last one; None before it
            was known.
        unknown_for: Seconds since the gaze of an eye was last known; 0 while it is, and before it was.
        eyes: The left eye and the right one, as last looked at.
    """

    detected: np.ndarray
    smoothed: np.ndarray | None
    unknown_for: float
    eyes: tuple[SeenEye, SeenEye]


class GazeTracker:
    """Follows the gaze of one face over frames."""

    def __init__(self, detector: EyeDetector, smoothing: float = DEFAULT_STRENGTH) -> None:
        """Start without a face.

        Args:
            detector: Looks at the eyes.
            smoothing: Strength from 0 (no smoothing) to 1 (the most).
        """
        self._detector, self._smoother = detector, GazeSmoother(smoothing)
        self.reset()

    def reset(self) -> None:
        """Forget the past: the next face is another one, or was away for a while."""
        self._gaze, self._eyes = np.full((2, 2), np.nan), [UNSEEN, UNSEEN]
        self._thumbnails: list[np.ndarray | None] = [None, None]
        self._smoother.reset()

    def __call__(
        self, picture: np.ndarray, grey: np.ndarray, points: np.ndarray, seconds: float
    ) -> TrackedGaze:
        """Look at the eyes whose picture has changed since they were last looked at.

        Args:
            picture: uint8 (H, W, 3), BGR, the frame.
            grey: uint8 (H, W), the same.
            points: float (68, 2), the landmarks as detected, in pixels of the frame.
            seconds: The frame's time stamp.
        """
        thumbnails = [_thumbnail(grey, points, *corners) for corners in EYE_CORNERS]
        changed = [
            eye
            for eye, (now, last) in enumerate(zip(thumbnails, self._thumbnails, strict=True))
            if last is None or np.abs(now - last).mean() > MAX_EYE_DIFFERENCE
        ]
        for eye in changed:
            self._eyes[eye] = self._detector.look(picture, points, eye)
            self._thumbnails[eye] = thumbnails[eye]
        if changed:
            self._gaze[changed] = gaze_of(points, np.array([eye.iris for eye in self._eyes]))[changed]
        gaze = np.where(np.isnan(visible_irises(self._eyes)), np.nan, self._gaze)
        smoothed = self._smoother(gaze, seconds)
        return TrackedGaze(gaze, smoothed, self._smoother.unknown_for, (self._eyes[0], self._eyes[1]))


def _thumbnail(grey: np.ndarray, points: np.ndarray, left: int, right: int) -> np.ndarray:
    """The picture between the corners of an eye, float32 (8, 16), 0 to 255."""
    width = math.dist(points[left], points[right])
    size = max(round(width), 1), max(round(width / 2), 1)
    return scaled_part(grey, (points[left] + points[right]) / 2, size, EYE_THUMBNAIL)
