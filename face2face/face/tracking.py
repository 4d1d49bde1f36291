"""One person's landmarks from frame to frame: the same face, steadied in time."""

import cv2
import numpy as np

from face2face.face.landmarks import Face, LandmarkDetector
from face2face.face.smoothing import DEFAULT_STRENGTH, Smoother
from face2face.sources.files import Frame

FORGET_SECONDS = 1.0
"""After so long without the face, the next one may be anybody's: the largest is taken."""

REDETECT_SECONDS = 1.0
"""How often the whole frame is searched for a better box, though one is found near the last place."""

HOLD_SECONDS = 0.05
"""For so long, one frame of a usual camera, the face's box stays where it was found, if that place looks the
same. To look for a face takes as long as to place its points. Held for longer it would shake them more: a box
that jumps is averaged over frames."""
SAME_LOOK = 6.0
"""How far, of 255, a place may differ in the mean. A face that moves by a twentieth of its width is looked
for, and so is one that a hand covers or a cut takes away."""
LOOK_SIDE = 16


class Tracker:
    """Follows the first face it sees; a second person's is not taken while the first is there."""

    def __init__(self, detector: LandmarkDetector, smoothing: float = DEFAULT_STRENGTH):
        """smoothing: 0 (the points as they are detected) to 1 (the steadiest)."""
        self._detector = detector
        self._smoother = Smoother(smoothing)
        self._face: Face | None = None
        self._found_look = np.empty(0)
        self._seen_at = self._found_at = self._redetected_at = 0.0

    def __call__(self, frame: Frame) -> np.ndarray | None:
        """The points of the frame's face, float (68, 2), in its pixels; None if it is not there."""
        grey = cv2.cvtColor(frame.picture, cv2.COLOR_BGR2GRAY)
        face = self._held(grey, frame.seconds) or self._find(grey, frame.seconds)
        if face is None:
            return None
        self._face, self._seen_at = face, frame.seconds
        return self._smoother(face.points, frame.seconds)

    def _held(self, grey: np.ndarray, seconds: float) -> Face | None:
        """The face in the box where it was found just now."""
        if self._face is None or not 0 <= seconds - self._found_at < HOLD_SECONDS:
            return None
        box = self._face.box
        if np.abs(_look(grey, box) - self._found_look).mean() > SAME_LOOK:
            return None
        return Face(box, self._detector.place(grey, box))

    def _find(self, grey: np.ndarray, seconds: float) -> Face | None:
        """The same face, looked for."""
        if self._face is not None and seconds - self._seen_at > FORGET_SECONDS:
            self._face = None
            self._smoother.reset()
        redetect = seconds - self._redetected_at >= REDETECT_SECONDS
        if redetect or self._face is None:
            self._redetected_at = seconds
        face = self._detector.find(grey, self._face, redetect)
        if face is None or (self._face is not None and not face.is_near(self._face)):
            return None
        self._found_at, self._found_look = seconds, _look(grey, face.box)
        return face


def _look(grey: np.ndarray, box: np.ndarray) -> np.ndarray:
    """What is in a box, float32 (16, 16), of 255."""
    centre, side = (box[:2] + box[2:]) / 2, max(round(box[2] - box[0]), 1)
    patch = cv2.getRectSubPix(grey, (side, side), centre.tolist())  # beyond the edges the outermost pixels
    return cv2.resize(patch, (LOOK_SIDE, LOOK_SIDE), interpolation=cv2.INTER_AREA).astype(np.float32)
