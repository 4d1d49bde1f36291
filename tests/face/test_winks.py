"""One eye that is shut by itself is found, drawn, and kept apart from two."""

import cv2
import numpy as np
import pytest

import generate_train_data
from face2face.face.eyes import UNSEEN, EyeDetector, SeenEye
from face2face.face.geometry import LIDS_OF_EYES, interocular_distance, mirrored
from face2face.face.landmarks import LandmarkDetector
from face2face.face.tracking import Tracker
from face2face.face.winks import MIN_ASPECT_RATIO, visible_irises, wink, with_wink
from face2face.sources.base import Frame
from face2face.sources.open import open_source
from face2face.target.sidecar import read_sidecar
from pix2pix.recombination import LabelledFrame
from tests import made
from tests.winking import blink, ratios, winking

IRIS = np.zeros(2)
SHUT, OPEN = 0.18, 0.22  # aspect ratios of this clip's eyes: 0.12 and 0.3


@pytest.fixture(scope="module")
def blinking(clips) -> list[LabelledFrame]:
    return blink(clips)


@pytest.mark.parametrize("eye", [0, 1])
def test_a_wink_is_found_that_the_landmarks_hide(blinking, eye):
    picture, points = winking(blinking, eye)
    true = ratios(points)
    found = LandmarkDetector().find(picture).points
    eyes = EyeDetector().find(picture, found)
    assert wink(eyes) == (eye, 1.0)
    corrected = ratios(with_wink(found, eyes))
    both = ratios(found)
    difference = true[1 - eye] - true[eye]
    assert both[1 - eye] - both[eye] < 0.4 * difference
    assert corrected[1 - eye] - corrected[eye] > 0.75 * difference
    assert corrected[eye] < SHUT < OPEN < corrected[1 - eye]
    assert np.abs(corrected - true).max() < 0.08 < np.abs(both - true).max()
    irises = visible_irises(eyes)
    assert np.isnan(irises[eye]).all() and np.isfinite(irises[1 - eye]).all()
    rest = np.r_[0:36, 48:68]
    assert np.array_equal(with_wink(found, eyes)[rest], found[rest])


def test_a_mirrored_wink_is_the_other_eyes(blinking):
    picture, _ = winking(blinking, 0)
    found = LandmarkDetector().find(picture).points
    width = picture.shape[1]
    eyes = EyeDetector()
    there = with_wink(found, eyes.find(picture, found))
    other = mirrored(found, width)
    here = with_wink(other, eyes.find(np.ascontiguousarray(picture[:, ::-1]), other))
    assert np.abs(mirrored(here, width) - there).max() < 0.03 * interocular_distance(found)


def test_no_blink_and_no_look_aside_is_a_wink(clips):
    """Real clips in which nobody winks; one of them is 16 s long, with shut eyes and turned heads."""
    detector, eyes, looked_at = LandmarkDetector(), EyeDetector(), 0
    for name, step in (("single_face.mp4", 2), ("WolfgangLanger_Pexels.mp4", 6)):
        found = None
        with open_source(str(clips / name)) as video:
            for frame in video.frames(range(0, video.frame_count, step)):
                found = detector.find(frame.picture, found)
                if found is not None:
                    looked_at += 1
                    assert with_wink(found.points, eyes.find(frame.picture, found.points)) is found.points
    assert looked_at > 80


@pytest.mark.parametrize(
    "shut, opened",
    [
        (SeenEye(IRIS, 0.1, 0.5), SeenEye(IRIS, 0.3, 0.6)),  # an iris is seen in both: looks aside
        (SeenEye(IRIS, 0.25, 0.2), SeenEye(IRIS, 0.3, 0.6)),  # both are open: a shadow
        (SeenEye(IRIS, 0.05, 0.1), SeenEye(IRIS, 0.15, 0.4)),  # both are shut
        (SeenEye(IRIS, 0.1, -0.5), SeenEye(IRIS, 0.3, 0.3)),  # spectacles mirror a window
        (UNSEEN, SeenEye(IRIS, 0.3, 0.6)),
        (UNSEEN, UNSEEN),
    ],
)
def test_what_is_no_wink(shut, opened):
    points = made.points(256)
    for eyes in ((shut, opened), (opened, shut)):
        assert with_wink(points, eyes) is points
        np.testing.assert_array_equal(visible_irises(eyes), np.array([eye.iris for eye in eyes]))


def test_what_is_doubtful_is_half_a_wink():
    points = made.points(256)
    opened = SeenEye(IRIS, 0.3, 0.6)

    def difference(likeness: float) -> float:
        left, right = ratios(with_wink(points, (SeenEye(IRIS, 0.3 * likeness, 0.2), opened)))
        return right - left

    certain, half, none = (difference(likeness) for likeness in (0.6, 0.65, 0.7))
    assert none < half < certain
    assert half == pytest.approx((none + certain) / 2, rel=0.2)


def face_with_eyes(*wanted: float) -> np.ndarray:
    """68 points whose eyes have these aspect ratios."""
    points = made.points(256).astype(float)
    for ratio, lids, found in zip(wanted, LIDS_OF_EYES, ratios(points), strict=True):
        for pair in map(list, lids):
            points[pair] += (ratio / found - 1) * (points[pair] - points[pair].mean(axis=0))
    return points


@pytest.mark.parametrize("detected", [(0.04, 0.04), (0.04, 0.12), (0.12, 0.04), (0.12, 0.12), (0.001, 0.3)])
def test_eyes_are_as_open_as_was_meant_however_shut_the_landmarks_are(detected):
    """The shut one as `MIN_ASPECT_RATIO` says, the open one wider than the mean by half the difference."""
    eyes = (SeenEye(IRIS, 0.02, 0.1), SeenEye(IRIS, 0.35, 0.6))
    opened = min(0.35, max(np.mean(detected) + (0.35 - 0.02) / 2, detected[1]))
    corrected = ratios(with_wink(face_with_eyes(*detected), eyes))
    assert corrected == pytest.approx([MIN_ASPECT_RATIO, opened])


def test_lids_without_any_gap_stay_shut():
    eyes = (SeenEye(IRIS, 0.02, 0.1), SeenEye(IRIS, 0.35, 0.6))
    assert ratios(with_wink(face_with_eyes(0, 0), eyes)) == pytest.approx([0, 0])


# --- in the scripts -------------------------------------------------------------------------------------


def test_the_drivers_wink_is_followed(blinking):
    """From open eyes to a wink and back, in real frames."""
    tracker = Tracker(LandmarkDetector(), smoothing=0)
    tracker.follow_gaze(EyeDetector())
    opened = np.ascontiguousarray(blinking[0].picture[..., ::-1])
    shown = [opened, winking(blinking, 1)[0], opened]
    faces = [tracker(Frame(i, i / 30, picture)) for i, picture in enumerate(shown)]
    left, right = np.array([ratios(face.points) for face in faces]).T
    assert right[1] < SHUT < OPEN < min(right[0], right[2]) and left.min() > OPEN
    assert np.isnan(faces[1].gaze.detected[1]).all() and np.isfinite(faces[1].gaze.detected[0]).all()


def test_a_pair_shows_the_targets_wink(blinking, tmp_path):
    """Its drawing has one shut eye, without an iris."""
    picture, _ = winking(blinking, 0)
    video = tmp_path / "wink.mp4"
    writer = cv2.VideoWriter(str(video), cv2.VideoWriter.fourcc(*"mp4v"), 25, picture.shape[1::-1])
    for _ in range(3):
        writer.write(picture)
    writer.release()
    arguments = ["--file", str(video), "--num", "1", "--output-dir", str(tmp_path)]
    generate_train_data.main(arguments)
    (entry,) = read_sidecar(tmp_path / "landmarks").images.values()
    assert ratios(entry.points)[0] < SHUT < OPEN < ratios(entry.points)[1]
    assert np.isnan(entry.irises[0]).all() and np.isfinite(entry.irises[1]).all()
