"""Detection of a face and its 68 landmarks, by dlib."""

import importlib.util
import math
from pathlib import Path

import cv2
import numpy as np

from face2face.cli import UserError, existing_file
from face2face.face import boxes, dlib_models
from face2face.face.detected_face import Face
from face2face.face.geometry import interocular_distance

# The detector is a sliding window of 80 pixels and misses smaller faces. The whole frame is searched at the
# first of these sizes, and at the second only if the face is found neither there nor in its last place.
QUICK_SEARCH_SIDE = 640
"""Long side in pixels of the picture that is searched first. A smaller frame is not enlarged."""
THOROUGH_SEARCH_SIDE = 1280
"""Long side in pixels of the second search. A smaller frame is enlarged, by a factor of 2 at most."""
PATIENT_SEARCH_SIDE = 2560
"""The same for programs that do not run in real time: finds a face of 40 pixels in a frame 1280 wide."""

NEAR_FACE_SIDE = 100
"""Near the last frame's face, the search is at the scale where that face has this width in pixels."""
NEAR_MARGIN = 0.33
"""Margin of that search around the last box, over the box's width."""
NEAR_SCALE_STEP, NEAR_GRID = 1.25, 16
"""Factor between the scales of that search, and grid of its corners in pixels at that scale."""

FACE_SIDE = 512
"""The predictor returns whole pixels. A face is enlarged to this width first, for sub-pixel positions."""
PATCH = 1.5
"""Side of the patch that is enlarged, over the width of the box: the predictor reads pixels beyond it."""

DOUBT_MOVES = np.array(
    [
        *([0.06, 0, 0.06, 0], [-0.06, 0, -0.06, 0], [0, 0.06, 0, 0.06], [0, -0.06, 0, -0.06]),
        *([-0.05, -0.05, 0.05, 0.05], [0.05, 0.05, -0.05, -0.05]),
    ]
)
"""The changes that `doubt` makes to a box (left, top, right, bottom), over its width."""


def default_landmark_model() -> Path:
    """The 68-point model that is installed with the package face_recognition_models.

    Raises:
        UserError: If the package is not installed.
    """
    # The package is not imported: that needs pkg_resources, which new versions of setuptools lack.
    spec = importlib.util.find_spec("face_recognition_models")
    if spec is None or not spec.submodule_search_locations:
        raise UserError("no landmark model: install face_recognition_models, or give --landmark-model FILE")
    path = Path(spec.submodule_search_locations[0]) / "models" / "shape_predictor_68_face_landmarks.dat"
    return existing_file(path, "the landmark model")


class LandmarkDetector:
    """Detects the face in a frame and its 68 landmarks, at the frame's full resolution.

    Attributes:
        boxes: float (N, 4), the boxes of all faces in the last frame that `find` or `find_next` searched,
            from left to right; None if the whole frame was not searched, or if that found nothing and the
            face was found near its last place.
    """

    boxes: np.ndarray | None = None

    def __init__(self, model: str | Path | None = None, search_side: int = THOROUGH_SEARCH_SIDE) -> None:
        """Load the landmark model.

        Args:
            model: dlib's file; None: the installed one.
            search_side: Long side in pixels of the second, thorough search.

        Raises:
            UserError: If the file is missing or is no 68-point model of dlib's.
        """
        import dlib
        from imutils import face_utils

        self._search_side = search_side
        self._dlib, self._to_array = dlib, face_utils.shape_to_np
        self._predictor = dlib_models.shape_predictor(Path(model or default_landmark_model()))
        self._detector = dlib_models.frontal_face_detector()

    def find(
        self, frame: np.ndarray, last: Face | None = None, redetect: bool = False, thorough: bool = True
    ) -> Face | None:
        """Detect the face that is nearest to the last one, or the largest if there is no last one.

        Args:
            frame: uint8 (H, W, 3), BGR, or (H, W), grey, at full resolution.
            last: The face of an earlier frame of the same size.
            redetect: Search the whole frame, even if there is a face near the last one.
            thorough: Search the whole frame a second time, enlarged, if nothing else finds the face. This
                takes several times as long as all the rest.

        Returns:
            None if no face is found.
        """
        grey = frame if frame.ndim == 2 else cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY)
        expected = None if last is None else last.expected_box()
        self.boxes = box = None
        searches = [self._box_quickly] if expected is None else [self._box_near, self._box_quickly]
        if redetect:
            searches.reverse()
        if thorough:
            searches.append(self._box_thoroughly)
        for search in searches:
            found = search(grey, expected)
            box = box if found is None else found
            if box is not None and (expected is None or boxes.is_same(box, expected)):
                break
        if box is not None and self.boxes is not None and not len(self.boxes):
            self.boxes = None  # the search of the whole frame does not see faces as small as this one
        return None if box is None else Face(box, self.predict(grey, box), expected)

    def find_near(self, grey: np.ndarray, last: Face) -> Face | None:
        """Detect the face in the place of an earlier one, without a search of the whole frame.

        Args:
            grey: uint8 (H, W), at full resolution.
            last: The face of another frame of the same size.

        Returns:
            None if no face is there.
        """
        expected = last.expected_box()
        box = self._box_near(grey, expected)
        return None if box is None else Face(box, self.predict(grey, box), expected)

    def find_next(self, grey: np.ndarray, last: Face) -> Face | None:
        """Detect the next face to the right of the last one, or the leftmost if the last is the rightmost.

        Args:
            grey: uint8 (H, W), at full resolution.
            last: The face of an earlier frame of the same size.

        Returns:
            None if there is no other face.
        """
        self._search(grey, self._thorough_scale(grey))
        rank, count = boxes.rank_among(self.boxes, last.usual_box())
        others = self.boxes if len(self.boxes) < count else np.delete(self.boxes, rank, axis=0)
        if not len(others):
            return None
        box = self._steady_box(grey, others[rank % len(others)])
        return Face(box, self.predict(grey, box))

    def predict(self, grey: np.ndarray, box: np.ndarray) -> np.ndarray:
        """Predict the 68 landmarks of the face in a box, with sub-pixel positions.

        Args:
            grey: uint8 (H, W).
            box: float (4,), left, top, right, bottom.

        Returns:
            float32 (68, 2), in pixels of `grey`.
        """
        half = PATCH / 2 * (box[2] - box[0])
        centre = (box[:2] + box[2:]) / 2
        low, high = np.floor(centre - half).astype(int), np.ceil(centre + half).astype(int)
        patch = _cut(grey, low, high)
        side = round(max(1.0, FACE_SIDE / (box[2] - box[0])) * patch.shape[0])
        scale = side / patch.shape[0]
        patch = cv2.resize(patch, (side, side), interpolation=cv2.INTER_LINEAR)
        corners = (box.reshape(2, 2) - low + 0.5) * scale - 0.5
        rectangle = self._dlib.rectangle(*np.round(corners).astype(int).ravel().tolist())
        points = self._to_array(self._predictor(patch, rectangle), dtype="float32")
        return (points + 0.5) / np.float32(scale) - 0.5 + low.astype(np.float32)

    def doubt(self, grey: np.ndarray, face: Face) -> float:
        """How uncertain the landmarks are: their deviation when the box is moved a little.

        Landmarks of a hidden part of the face, or outside of the face, move with the box.

        Args:
            grey: uint8 (H, W), the frame of the face.
            face: As it was found.

        Returns:
            Root mean square deviation over the points and `DOUBT_MOVES`, in interocular distances.
        """
        size = face.box[2] - face.box[0]
        moves = DOUBT_MOVES * size
        places = np.array([self.predict(grey, face.box + move) for move in moves])
        deviation = np.sqrt(places.var(axis=0).sum(axis=-1).mean())
        return float(deviation / max(interocular_distance(face.points), 1e-6))

    def _box_quickly(self, grey: np.ndarray, last: np.ndarray | None) -> np.ndarray | None:
        """Search the whole frame, reduced: the face nearest to the last box, or the largest."""
        return self._box_in_frame(grey, last, min(1.0, QUICK_SEARCH_SIDE / max(grey.shape)))

    def _box_thoroughly(self, grey: np.ndarray, last: np.ndarray | None) -> np.ndarray | None:
        """Search the whole frame for small faces, too: the face nearest to the last box, or the largest."""
        return self._box_in_frame(grey, last, self._thorough_scale(grey))

    def _box_in_frame(self, grey: np.ndarray, last: np.ndarray | None, scale: float) -> np.ndarray | None:
        found = self._search(grey, scale)
        if not len(found):
            return None
        box = boxes.nearest(found, last) if last is not None else max(found, key=lambda b: b[2] - b[0])
        return self._steady_box(grey, box)

    def _search(self, grey: np.ndarray, scale: float) -> np.ndarray:
        """Search the whole frame at a scale, and keep all boxes in `boxes`; the most certain one is first."""
        found = self._boxes(grey, scale)
        self.boxes = found[np.argsort(found[:, 0] + found[:, 2], kind="stable")]
        return found

    def _thorough_scale(self, grey: np.ndarray) -> float:
        return min(2.0, self._search_side / max(grey.shape))

    def _steady_box(self, grey: np.ndarray, box: np.ndarray) -> np.ndarray:
        """The box that a search near a box finds; the box itself if nothing is found there."""
        near = self._box_near(grey, box)
        return box if near is None else near

    def _box_near(self, grey: np.ndarray, last: np.ndarray) -> np.ndarray | None:
        """Search a small picture around the last box: the nearest face that can be the same person's."""
        size = last[2] - last[0]
        # Scale and corners are quantised, so that a still face gets the same box again.
        scale = NEAR_SCALE_STEP ** round(math.log(NEAR_FACE_SIDE / size, NEAR_SCALE_STEP))
        step = NEAR_GRID / scale
        margin = NEAR_MARGIN * size
        low = np.maximum(np.floor((last[:2] - margin) / step) * step, 0).astype(int)
        high = np.maximum(np.ceil((last[2:] + margin) / step) * step, 0).astype(int)
        around = grey[low[1] : high[1], low[0] : high[0]]
        found = self._boxes(around, scale) + np.tile(low, 2) if around.size else []
        return boxes.nearest([box for box in found if boxes.is_same(box, last)], last)

    def _boxes(self, grey: np.ndarray, scale: float) -> np.ndarray:
        """The boxes of all faces, float (N, 4), in pixels of `grey`, which is searched at a scale."""
        if min(round(scale * side) for side in grey.shape) < 1:
            return np.empty((0, 4))
        if scale != 1.0:
            interpolation = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
            grey = cv2.resize(grey, None, fx=scale, fy=scale, interpolation=interpolation)
        found = self._detector(np.ascontiguousarray(grey), 0)  # dlib reads a part of a picture wrongly
        corners = [(r.left(), r.top(), r.right() + 1, r.bottom() + 1) for r in found]
        return np.array(corners, np.float64).reshape(-1, 4) / scale


def _cut(picture: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Cut out the square between two corners, in whole pixels; beyond the edges, pixels are repeated."""
    side = int(min(high - low))
    (left, top), (height, width) = low.tolist(), picture.shape
    beyond = (max(-top, 0), max(top + side - height, 0), max(-left, 0), max(left + side - width, 0))
    inside = picture[max(top, 0) : top + side, max(left, 0) : left + side]
    return cv2.copyMakeBorder(inside, *beyond, cv2.BORDER_REPLICATE) if any(beyond) else inside
