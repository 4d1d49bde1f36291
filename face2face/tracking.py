"""One person's landmarks from frame to frame: the same face, steadied in time."""

import numpy as np

from face2face.landmarks import Face, LandmarkDetector
from face2face.smoothing import DEFAULT_STRENGTH, Smoother
from face2face.video import Frame

FORGET_SECONDS = 1.0
"""After so long without the face, the next one may be anybody's: the largest is taken."""

AFRESH_SECONDS = 1.0
"""How often the whole frame is searched for a better box, though one is found near the last place."""


class Tracker:
    """Follows the first face it sees; a second person's is not taken while the first is there."""

    def __init__(self, detector: LandmarkDetector, smoothing: float = DEFAULT_STRENGTH):
        """smoothing: 0 (the points as they are detected) to 1 (the steadiest)."""
        self._detector = detector
        self._smoother = Smoother(smoothing)
        self._face: Face | None = None
        self._seen_at = self._afresh_at = 0.0

    def __call__(self, frame: Frame) -> np.ndarray | None:
        """The points of the frame's face, float (68, 2), in its pixels; None if it is not there."""
        if self._face is not None and frame.seconds - self._seen_at > FORGET_SECONDS:
            self._face = None
            self._smoother.reset()
        afresh = frame.seconds - self._afresh_at >= AFRESH_SECONDS
        if afresh or self._face is None:
            self._afresh_at = frame.seconds
        face = self._detector.find(frame.picture, self._face, afresh)
        if face is None or (self._face is not None and not face.is_near(self._face)):
            return None
        self._face, self._seen_at = face, frame.seconds
        return self._smoother(face.points, frame.seconds)
