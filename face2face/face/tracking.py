"""Tracking of one person's landmarks over frames, with temporal smoothing."""

import math
from dataclasses import dataclass

import cv2
import numpy as np

from face2face.face import boxes
from face2face.face.crop import scaled_part
from face2face.face.detected_face import Face
from face2face.face.eyes import EyeDetector
from face2face.face.gaze_tracking import GazeTracker, TrackedGaze
from face2face.face.landmarks import LandmarkDetector
from face2face.face.smoothing import DEFAULT_STRENGTH, Smoother
from face2face.face.winks import with_wink
from face2face.sources.base import Frame

FORGET_SECONDS = 1.0
"""After this time without the face, another is taken."""
RETURN_SECONDS = 10.0
"""For this time a face that has gone is taken again as soon as it is back in its place, even if another was
taken meanwhile."""

REDETECT_SECONDS = 2.0
"""Redetect interval: the whole frame is searched this often, even if the face is found near its last box."""

THOROUGH_SECONDS = 0.5
"""How often the whole frame is searched thoroughly as long as the face is not found: that takes 80 to 180 ms.
The frames' time stamps are compared, so a file's landmarks are the same on any machine."""

REUSE_BOX_SECONDS = 0.05
"""The detected box is used for this long, one frame of an ordinary camera, while the picture in it stays
similar: detection takes as long as landmark prediction. With a longer time the landmarks would shake more,
because the smoothing would average over fewer detections."""
MAX_DIFFERENCE = 6.0
"""Largest mean difference, of 255, between similar pictures in the box. It is exceeded when the face moves by
a twentieth of its width, when a hand covers it, or at a cut."""
THUMBNAIL_SIDE = 16
"""Side in pixels to which the picture in the box is scaled for that comparison."""


@dataclass(frozen=True)
class TrackedFace:
    """The tracked face in a frame.

    Attributes:
        points: float (68, 2), the landmarks, smoothed, in pixels of the frame.
        detected: float (68, 2), the same as detected, not smoothed; with winks (see `winks`) if the gaze is
            followed.
        is_another: Whether the tracker has changed to this face in this frame: as `next_face` asked, or
            because the tracked one has gone, or is back. A face elsewhere than the tracked one last was is
            another.
        rank: The rank of the face among all that were found when the whole frame was last searched, from the
            left, from 0 on.
        count: The number of those.
        asked_at: The time stamp of the frame in which another face was last looked for, as `next_face` asked.
        gaze: None before `follow_gaze`.
    """

    points: np.ndarray
    detected: np.ndarray
    is_another: bool = False
    rank: int = 0
    count: int = 1
    asked_at: float = -math.inf
    gaze: TrackedGaze | None = None


class Tracker:
    """Tracks the first face that appears, or the one that is asked for; others are ignored meanwhile.

    When it has gone, another is tracked. It is tracked again if it is back soon.

    Attributes:
        detector: Detects the face in each frame.
    """

    def __init__(
        self,
        detector: LandmarkDetector,
        smoothing: float = DEFAULT_STRENGTH,
        thorough_seconds: float = THOROUGH_SECONDS,
    ) -> None:
        """Start without a face.

        Args:
            detector: Detects the face in each frame.
            smoothing: Strength from 0 (no smoothing) to 1 (the most).
            thorough_seconds: How often the whole frame is searched thoroughly as long as the face is not
                found; 0: in each frame.
        """
        self.detector, self._thorough_seconds = detector, thorough_seconds
        self._smoothing, self._smoother = smoothing, Smoother(smoothing)
        self._gaze_tracker: GazeTracker | None = None
        self._tracked: Face | None = None
        self._last_tracked: Face | None = None
        self._lost: Face | None = None
        self._frame_size: tuple[int, int] | None = None  # (width, height) in whose pixels these are
        self._thumbnail = np.empty(0)
        self._seen_at = self._found_at = self._redetected_at = self._lost_at = 0.0
        self._thorough_at = self._asked_at = -math.inf
        self._rank, self._count = 0, 1
        self._is_asked_for_next = self._is_another = False

    def follow_gaze(self, detector: EyeDetector) -> None:
        """Look at the eyes, too, from now on: winks and gaze."""
        self._gaze_tracker = GazeTracker(detector, self._smoothing)

    def next_face(self) -> None:
        """Follow the next face to the right from the next frame on; of the rightmost, the leftmost.

        Nothing changes if there is no other face. Any thread may call this.
        """
        self._is_asked_for_next = True

    def __call__(self, frame: Frame) -> TrackedFace | None:
        """Track the face in the next frame; None if it is not there."""
        grey = cv2.cvtColor(frame.picture, cv2.COLOR_BGR2GRAY)
        size = grey.shape[::-1]
        if self._frame_size not in (None, size):
            self._change_size(size)
        self._frame_size, self._is_another = size, False
        face = self._take_next(grey, frame.seconds) if self._is_asked_for_next else None
        face = face or self._held(grey, frame.seconds) or self._find(grey, frame.seconds)
        if face is None:
            return None
        self._tracked, self._last_tracked, self._seen_at = face, face, frame.seconds
        gaze, points = None, face.points
        if self._gaze_tracker is not None:
            gaze = self._gaze_tracker(frame.picture, grey, points, frame.seconds)
            points = with_wink(points, gaze.eyes)
        return TrackedFace(
            points=self._smoother(points, frame.seconds),
            detected=points,
            is_another=self._is_another,
            rank=self._rank,
            count=self._count,
            asked_at=self._asked_at,
            gaze=gaze,
        )

    def _take_next(self, grey: np.ndarray, seconds: float) -> Face | None:
        """The face that is next to the tracked one; None if there is no other."""
        self._is_asked_for_next = False
        if self._tracked is None:
            return None
        self._asked_at = seconds
        face = self.detector.find_next(grey, self._tracked)
        if face is None:
            return None
        self._redetected_at = seconds
        self._change_to(face, grey, seconds)
        return face

    def _change_to(self, face: Face, grey: np.ndarray, seconds: float) -> None:
        """Track another face from now on; the last one is not awaited."""
        self._is_another, self._lost = True, None
        self._forget()
        self._remember(face, grey, seconds)

    def _held(self, grey: np.ndarray, seconds: float) -> Face | None:
        """The face in the last detected box, if that is recent and its picture is similar."""
        if self._tracked is None or not 0 <= seconds - self._found_at < REUSE_BOX_SECONDS:
            return None
        box = self._tracked.box
        if np.abs(_thumbnail(grey, box) - self._thumbnail).mean() > MAX_DIFFERENCE:
            return None
        return Face(box, self.detector.predict(grey, box), self._tracked.searched_box)

    def _find(self, grey: np.ndarray, seconds: float) -> Face | None:
        """Detect the tracked face; after `FORGET_SECONDS` another; then the first again, if it is back."""
        if self._tracked is not None and seconds - self._seen_at > FORGET_SECONDS:
            if self._lost is None:
                self._lost, self._lost_at = self._tracked, self._seen_at
            self._forget()
        is_awaited = self._lost is not None and seconds - self._lost_at <= RETURN_SECONDS
        if self._tracked is None:
            return self._find_another(grey, seconds, self._lost if is_awaited else None)
        if is_awaited:
            back = self.detector.find_near(grey, self._lost)
            if back is not None and not back.is_near(self._tracked):
                self._change_to(back, grey, seconds)
                return back
        else:
            self._lost = None
        redetect = seconds - self._redetected_at >= REDETECT_SECONDS
        face = self._detect(grey, seconds, self._tracked, redetect)
        if face is None or not face.is_near(self._tracked):
            return None
        if redetect:  # a still face keeps the points that it had in its place
            face = self.detector.find_near(grey, self._tracked) or face
        self._remember(face, grey, seconds)
        return face

    def _find_another(self, grey: np.ndarray, seconds: float, awaited: Face | None) -> Face | None:
        """Detect the face nearest to the one that has gone, or the largest if none is awaited."""
        face = self._detect(grey, seconds, awaited, redetect=awaited is not None)
        if face is None:
            return None
        self._is_another = self._last_tracked is not None and not face.is_near(self._last_tracked)
        if awaited is None or face.is_near(awaited):
            self._lost = None
        self._remember(face, grey, seconds)
        return face

    def _detect(self, grey: np.ndarray, seconds: float, last: Face | None, redetect: bool) -> Face | None:
        """Detect the face nearest to a last one; search thoroughly if the last such search is long ago."""
        thorough = not 0 <= seconds - self._thorough_at < self._thorough_seconds
        face = self.detector.find(grey, last, redetect, thorough)
        if redetect or last is None:
            self._redetected_at = seconds
        if thorough and (face is None or (last is not None and not face.is_near(last))):
            self._thorough_at = seconds
        return face

    def _remember(self, face: Face, grey: np.ndarray, seconds: float) -> None:
        """Keep when the face was detected, how it looked, and the other faces, if they were looked for."""
        self._found_at, self._thumbnail = seconds, _thumbnail(grey, face.box)
        if self.detector.boxes is not None:
            self._rank, self._count = boxes.rank_among(self.detector.boxes, face.box)

    def _change_size(self, size: tuple[int, int]) -> None:
        """Go on in frames of another size, as of a camera that was opened again, or a phone that was turned.

        In another view no face is known. The first that is found then counts as the last one's.
        """
        known = self._tracked, self._last_tracked, self._lost
        self._forget()
        self._last_tracked = self._lost = None
        if boxes.is_same_view(size, self._frame_size):
            scale = size[0] / self._frame_size[0]
            self._tracked, self._last_tracked, self._lost = (
                None if face is None else Face(face.box * scale, face.points * scale) for face in known
            )

    def _forget(self) -> None:
        """Begin anew: the next face is another one, or was away for a while."""
        self._tracked = None
        self._smoother.reset()
        if self._gaze_tracker is not None:
            self._gaze_tracker.reset()


def _thumbnail(grey: np.ndarray, box: np.ndarray) -> np.ndarray:
    """The picture in a box, float32 (16, 16), 0 to 255."""
    side = max(round(box[2] - box[0]), 1)
    return scaled_part(grey, (box[:2] + box[2:]) / 2, (side, side), (THUMBNAIL_SIDE, THUMBNAIL_SIDE))
