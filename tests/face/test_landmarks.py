"""Faces are found, large and small, one person's at a time; their points are placed."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from face2face.cli import UserError
from face2face.face.detected_face import Face
from face2face.face.geometry import interocular_distance
from face2face.face.landmarks import PATIENT_SEARCH_SIDE, LandmarkDetector, default_landmark_model
from face2face.sources.open import open_source


@pytest.fixture(scope="module")
def detector() -> LandmarkDetector:
    return LandmarkDetector()


@pytest.fixture(scope="module")
def frame(clips) -> np.ndarray:
    with open_source(str(clips / "single_face.mp4")) as video:
        return next(video.frames({0})).picture


@pytest.fixture(scope="module")
def crowd(clips) -> np.ndarray:
    """Five people."""
    return cv2.imread(str(clips / "multi_face.jpg"))


def smaller(picture: np.ndarray, scale: float) -> np.ndarray:
    return cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)


# --- finding --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scale", [1.0, 0.5, 0.3])
def test_points_scale_with_the_picture(detector, frame, scale):
    """The same face, large or small: its points stand at the same places of it."""
    large, small = (detector.find(picture) for picture in (frame, smaller(frame, scale)))
    error = np.linalg.norm((small.points + 0.5) / scale - 0.5 - large.points, axis=1).mean()
    assert error < 0.05 * interocular_distance(large.points)


def test_a_small_face_in_a_large_frame_is_found(detector, frame):
    """50 pixels wide of 1280: too small for the first, quick search, and for a detector without enlarging."""
    face = detector.find(frame)
    scale = 50 / (face.box[2] - face.box[0])
    scene = np.full((720, 1280, 3), 90, np.uint8)
    small = smaller(frame, scale)
    top, left = 400, 900
    scene[top : top + small.shape[0], left : left + small.shape[1]] = small
    found = LandmarkDetector(search_side=PATIENT_SEARCH_SIDE).find(scene)
    expected = face.points * scale + (left, top)
    error = np.linalg.norm(found.points - expected, axis=1).mean()
    assert error < 0.1 * interocular_distance(expected)


def test_points_are_placed_between_pixels(detector, frame):
    points = detector.find(frame).points
    assert points.dtype == np.float32 and points.shape == (68, 2)
    assert np.abs(points - np.round(points)).max() > 0.2


def test_the_picture_moves_and_its_points_with_it(detector, frame):
    """By a third of a pixel: the 2017 demo's points stood still, or jumped by a whole one."""
    move = np.float64([[1, 0, 0.33], [0, 1, 0]])
    moved = cv2.warpAffine(frame, move, frame.shape[1::-1], flags=cv2.INTER_CUBIC)
    face = detector.find(frame)
    grey = [cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY) for picture in (frame, moved)]
    # In the mean over many boxes: from a single one, dlib's trees may take another turn.
    random = np.random.default_rng(0).normal(0, 0.03, (40, 4))
    boxes = face.box + random * (face.box[2] - face.box[0])
    there = boxes + np.array([0.33, 0, 0.33, 0])
    shifts = [
        detector.predict(grey[1], b) - detector.predict(grey[0], a) for a, b in zip(boxes, there, strict=True)
    ]
    assert np.mean(shifts, axis=(0, 1)) == pytest.approx((0.33, 0), abs=0.06)


def test_the_largest_of_several_is_taken(detector, crowd):
    boxes = everybody(detector, crowd)
    assert len(boxes) >= 3
    widths = sorted(box[2] - box[0] for box in boxes)
    face = detector.find(crowd)
    assert face.box[2] - face.box[0] == pytest.approx(widths[-1], rel=0.25)


def test_each_of_several_is_followed(detector, crowd):
    """Whoever was seen last is found again, not the largest."""
    grey = cv2.cvtColor(crowd, cv2.COLOR_BGR2GRAY)
    for box in everybody(detector, crowd):
        found = detector.find(crowd, last=Face(box, detector.predict(grey, box)))
        assert np.linalg.norm(found.box - box) < 0.3 * (box[2] - box[0])


def everybody(detector: LandmarkDetector, picture: np.ndarray) -> list[np.ndarray]:
    """The boxes of all faces, by dlib itself at full size."""
    found = detector._detector(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), 0)
    return [np.array([r.left(), r.top(), r.right() + 1, r.bottom() + 1], float) for r in found]


@pytest.mark.parametrize("level", [0, 128, 255])
def test_a_picture_without_a_face(detector, level):
    assert detector.find(np.full((240, 320, 3), level, np.uint8)) is None


@pytest.mark.parametrize("shape", [(3, 5000, 3), (5000, 1, 3), (1, 1, 3)])
def test_a_picture_that_no_face_fits_into(detector, shape):
    assert detector.find(np.full(shape, 128, np.uint8)) is None


def test_a_frame_after_the_face_has_gone(detector, frame):
    last = detector.find(frame)
    assert detector.find(np.full(frame.shape, 90, np.uint8), last) is None


def test_a_face_that_leaves_the_frame(detector, frame):
    """The last box may lie beyond the edge: the search ends at it."""
    face = detector.find(frame)
    gone = Face(face.box + 5000, face.points + 5000)
    assert detector._box_near(cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY), gone.box) is None


def test_a_still_face_has_the_same_box_however_it_is_looked_for(detector, frame):
    """Else its points would jump each time the whole frame is searched."""
    first = detector.find(frame)
    near = detector.find(frame, first)
    redetect = detector.find(frame, near, redetect=True)
    assert np.array_equal(near.box, first.box) and np.array_equal(redetect.box, first.box)


@pytest.mark.parametrize("width", [80, *range(92, 112, 4), 120])
def test_near_the_last_place_only_what_is_there_counts(detector, frame, width):
    """Also for a face of 100 pixels, around which a part of the picture is searched as it is, not resized."""
    box = detector.find(frame).box
    small = smaller(frame, width / (box[2] - box[0]))
    face = detector.find(small)
    near = detector.find(small, face)
    assert detector.boxes is None  # the whole frame was not searched
    alone = np.zeros_like(small)
    left, top = np.maximum(face.box[:2] - width, 0).astype(int)
    right, bottom = (face.box[2:] + width).astype(int)
    alone[top:bottom, left:right] = small[top:bottom, left:right]
    assert np.array_equal(detector.find(alone, face).box, near.box)


def test_a_face_that_only_a_near_look_finds_stays_found_redetect(detector, clips):
    """Smaller than the search of the whole frame can see."""
    with open_source(str(clips / "single_face.mp4")) as video:
        small = smaller(next(video.frames()).picture, 0.2)
    scene = np.full((1080, 1920, 3), 90, np.uint8)
    scene[400 : 400 + small.shape[0], 900 : 900 + small.shape[1]] = small
    face = LandmarkDetector(search_side=2 * 1920).find(scene)
    assert detector.find(scene) is None
    assert detector.find(scene, face, redetect=True).is_near(face)


@pytest.fixture(scope="module")
def far(frame, detector) -> tuple[np.ndarray, Face]:
    """A face 70 pixels wide of 1280, which the quick search does not see, and how a thorough one finds it."""
    box = detector.find(frame).box
    small = smaller(frame, 70 / (box[2] - box[0]))
    picture = np.full((720, 1280, 3), 90, np.uint8)
    picture[400 : 400 + small.shape[0], 900 : 900 + small.shape[1]] = small
    return picture, detector.find(picture)


def test_the_thorough_search_can_be_left_out(detector, far):
    picture, face = far
    assert face is not None
    assert detector.find(picture, thorough=False) is None
    assert detector.find(picture, face, thorough=False).is_near(face)


class ScaleDetector(LandmarkDetector):
    """scales: at which the whole frame was searched."""

    def __init__(self):
        super().__init__()
        self.scales: list[float] = []

    def _search(self, grey, scale):
        self.scales.append(scale)
        return super()._search(grey, scale)


def test_a_small_face_that_is_in_its_place_is_not_searched_for_thoroughly(far):
    """Else the picture would stand still for a tenth of a second each time the whole frame is searched."""
    picture, face = far
    detector = ScaleDetector()
    assert detector.find(picture, face, redetect=True).is_near(face)
    assert detector.scales == [0.5]
    assert detector.boxes is None  # what the quick search does not see tells nothing of the others
    assert detector.find(np.zeros_like(picture), face, redetect=True) is None
    assert detector.scales == [0.5, 0.5, 1.0]


def test_a_look_near_a_face_is_no_search_of_the_frame(far):
    picture, face = far
    detector = ScaleDetector()
    grey = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
    assert np.array_equal(detector.find_near(grey, face).points, face.points)
    assert detector.find_near(np.full_like(grey, 90), face) is None
    assert detector.find_near(grey, Face(face.box - 300, face.points - 300)) is None
    assert not detector.scales


def test_a_hidden_face_is_doubtful(detector, clips):
    with open_source(str(clips / "WolfgangLanger_Pexels.mp4")) as video:
        doubts = []
        for seen in video.frames({20, 150}):  # at 150 she holds a hand before her mouth
            face = detector.find(seen.picture)
            doubts.append(detector.doubt(cv2.cvtColor(seen.picture, cv2.COLOR_BGR2GRAY), face))
    assert doubts[0] < 0.013 < doubts[1]


# --- the model ------------------------------------------------------------------------------------------


def test_the_installed_model_is_the_default():
    assert default_landmark_model().name == "shape_predictor_68_face_landmarks.dat"
    assert default_landmark_model().is_file()


def test_a_file_that_is_no_model_is_named(tmp_path):
    (tmp_path / "model.dat").write_bytes(b"not a model" * 100)
    with pytest.raises(UserError, match=r"expected a 68-point landmark model of dlib's, got .*model\.dat"):
        LandmarkDetector(tmp_path / "model.dat")


def test_a_model_of_five_points_is_refused():
    five = default_landmark_model().with_name("shape_predictor_5_face_landmarks.dat")
    with pytest.raises(UserError, match="expected a 68-point landmark model"):
        LandmarkDetector(five)


def test_a_missing_model_is_named():
    with pytest.raises(UserError, match=r"the landmark model not found: nowhere\.dat"):
        LandmarkDetector(Path("nowhere.dat"))
