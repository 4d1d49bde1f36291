"""The target's face in the frames of a clip, told from other people's."""

import bisect
from collections import deque

import cv2
import numpy as np

from face2face.face.detected_face import Face
from face2face.face.landmarks import LandmarkDetector
from face2face.face.tracking import RETURN_SECONDS
from face2face.sources.base import Frame

KEPT_FRAMES = 3
"""Number of the last frames with the target that are looked at again for a face in a new place."""


class TargetTrack:
    """Finds the target in the frames of a clip: of several people, the one who was found first.

    The frames need not be close to each other, so the target may have moved by any distance. A face in a new
    place is the target's, unless somebody is seen there and the target beside him: in one of the last frames,
    or in one of the next `RETURN_SECONDS`, with the target in the old place. In that second case the faces
    that were found in the new place meanwhile are dropped.

    Attributes:
        numbers: The numbers of the frames in which the target was found, in ascending order.
    """

    def __init__(self, detector: LandmarkDetector, first: Face | None = None, redetect: bool = False) -> None:
        """Start without a frame.

        Args:
            detector: Detects the faces.
            first: Where the target is expected in the first frame; None: the largest face is the target's.
            redetect: Search each frame as a whole. The landmarks of a face that the quick search sees then do
                not depend on other frames.
        """
        self.numbers: list[int] = []
        self._detector, self._first, self._redetect = detector, first, redetect
        self._faces: dict[int, Face] = {}
        self._last_frames: deque[tuple[np.ndarray, Face]] = deque(maxlen=KEPT_FRAMES)
        self._old_place: Face | None = None
        self._moved_at = 0.0
        self._in_new_place: set[int] = set()

    def find(self, frame: Frame) -> Face | None:
        """Detect the target in another frame. Of the known frames, the one nearest in time tells the place.

        Returns:
            None if no face is found, or only other people's.
        """
        grey = cv2.cvtColor(frame.picture, cv2.COLOR_BGR2GRAY)
        if not 0 <= frame.seconds - self._moved_at <= RETURN_SECONDS:
            self._in_new_place.clear()
        nearest = self._nearest_number(frame.number)
        last = self._first if nearest is None else self._faces[nearest]
        face = self._detector.find(grey, last, self._redetect)
        if nearest in self._in_new_place:
            back = self._detector.find_near(grey, self._old_place)
            if back is None and face is not None and face.is_near(last):
                self._in_new_place.add(frame.number)
            elif back is not None:
                if face is not None and not face.is_near(back):
                    self._drop(self._in_new_place)
                self._in_new_place.clear()
                face = last = back
        if face is None:
            return None
        if last is not None and not face.is_near(last):
            if self._is_known_as_another(face):
                return None
            if not self._in_new_place:
                self._old_place, self._moved_at = last, frame.seconds
            self._in_new_place.add(frame.number)
        bisect.insort(self.numbers, frame.number)
        self._faces[frame.number] = face
        self._last_frames.append((grey, face))
        return face

    def _nearest_number(self, number: int) -> int | None:
        """Of the frames with the target, the nearest in time; None if there is none."""
        at = bisect.bisect(self.numbers, number)
        return min(self.numbers[max(at - 1, 0) : at + 1], key=lambda n: abs(n - number), default=None)

    def _is_known_as_another(self, face: Face) -> bool:
        """Whether somebody was in this face's place beside the target in one of the last frames."""
        for grey, target in self._last_frames:
            there = self._detector.find_near(grey, face)
            if there is not None and not there.is_near(target):
                return True
        return False

    def _drop(self, numbers: set[int]) -> None:
        """Leave out frames that showed another person."""
        self.numbers = [number for number in self.numbers if number not in numbers]
        for number in numbers:
            del self._faces[number]
