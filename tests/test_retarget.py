"""The driver's expression and head motion on the target's face, on the faces of the sample clips."""

import json
from dataclasses import replace

import numpy as np
import pytest

from face2face.cli import UserError
from face2face.face.geometry import (
    SimilarityTransform,
    eye_aspect_ratio,
    interocular_distance,
    mouth_openness,
)
from face2face.face.landmarks import LandmarkDetector
from face2face.sources.files import open_source
from face2face.target.retarget import (
    CALIBRATION_SECONDS,
    Calibration,
    Retargeter,
    is_calibration,
    read_calibration,
    soft_clip,
    steady_median,
)
from face2face.target.statistics import TargetFace


def faces(clip, numbers) -> np.ndarray:
    """float (N, 68, 2): the face in some frames of a clip."""
    detector = LandmarkDetector()
    with open_source(str(clip)) as video:
        return np.array([detector.find(frame.picture).points for frame in video.frames(set(numbers))])


@pytest.fixture(scope="module")
def target_points(clips) -> np.ndarray:
    """The target's face without a hand before it: shut eyes and lips (0 to 55), laughter (235 on)."""
    return faces(clips / "WolfgangLanger_Pexels.mp4", [*range(0, 56, 5), *range(235, 470, 5)])


@pytest.fixture(scope="module")
def target(target_points) -> TargetFace:
    return TargetFace.measure(target_points)


@pytest.fixture(scope="module")
def driver(clips) -> np.ndarray:
    """From neutral, with shut lips, over a blink (frame 27) to a broad smile."""
    return faces(clips / "single_face.mp4", range(0, 72, 3))


@pytest.fixture
def retargeter(target, driver) -> Retargeter:
    return Retargeter(target, driver[0])


def test_a_driver_at_rest_is_the_target_at_rest(retargeter, target, driver):
    but_lips = slice(0, 48)  # hers rest open, his do not
    away = (retargeter(driver[0]) - target.neutral)[but_lips]
    assert np.abs(away).max() < 0.02 * interocular_distance(target.neutral)


def test_the_targets_own_frames_stay_what_they_are(target, target_points):
    retargeter = Retargeter(target, target.neutral, target.shut_eyes)
    differences = [
        np.linalg.norm(retargeter(points) - points, axis=1).mean() / interocular_distance(points)
        for points in target_points
    ]
    assert np.median(differences) <= 0.02


def test_where_and_how_far_the_driver_sits_does_not_matter(target, driver):
    elsewhere = driver * 0.5 + (400, -30)
    here, there = Retargeter(target, driver[0]), Retargeter(target, elsewhere[0])
    for face, same_face in zip(driver, elsewhere, strict=True):
        assert np.allclose(here(face), there(same_face), atol=0.05)


def test_shut_eyes_are_shut_and_open_eyes_are_open(retargeter, target, target_points, driver):
    carried = np.array([retargeter(face) for face in driver])
    blink = int(np.argmin(eye_aspect_ratio(driver)))
    shut = np.percentile(eye_aspect_ratio(target_points), 10)
    assert eye_aspect_ratio(carried[blink]) <= shut
    assert eye_aspect_ratio(carried[0]) >= 0.95 * eye_aspect_ratio(target.neutral)


def test_shut_lips_are_shut_though_the_targets_rest_open(target, driver):
    parted = target.neutral.copy()
    parted[[65, 66, 67]] += (0, 0.05 * interocular_distance(parted))
    parted_target = replace(target, neutral=parted)
    carried = Retargeter(parted_target, driver[0])(driver[0])
    assert mouth_openness(driver[0]) < 0.03
    assert mouth_openness(carried) < 0.03 < mouth_openness(parted)


def test_the_mouth_opens_with_the_drivers(retargeter, driver):
    carried = np.array([retargeter(face) for face in driver])
    assert np.corrcoef(mouth_openness(driver), mouth_openness(carried))[0, 1] > 0.95


def test_the_head_moves_with_the_drivers(retargeter, target, driver):
    rest = retargeter(driver[0])
    unit = interocular_distance(driver[0])
    moved = retargeter(driver[0] + (0.1 * unit, 0.0))
    assert np.allclose(moved - rest, (0.1 * interocular_distance(target.neutral), 0.0), atol=0.3)
    roll = 0.1
    rotation = np.array([[np.cos(roll), -np.sin(roll)], [np.sin(roll), np.cos(roll)]])
    centre = driver[0].mean(axis=0)
    rolled = retargeter((driver[0] - centre) @ rotation.T + centre)
    assert SimilarityTransform.estimate(rest, rolled).roll == pytest.approx(roll, abs=0.01)


@pytest.mark.parametrize("far", [(500, 0), (0, -400), (-900, 900)])
def test_a_driver_who_leaves_the_range_gets_the_nearest_known_pose(
    retargeter, target, target_points, driver, far
):
    torn = driver[-1] + far
    torn[48:68] += (120, 60)  # and a mouth that no face has
    carried = retargeter(torn)
    reach = np.ptp(target_points.reshape(-1, 2), axis=0)
    low, high = target_points.min(axis=(0, 1)) - 0.3 * reach, target_points.max(axis=(0, 1)) + 0.3 * reach
    assert np.all((carried >= low) & (carried <= high))


def test_soft_clip_keeps_what_is_known_and_bounds_what_is_not():
    ranges = np.array([[-1.0, 3.0]] * 4)
    values = np.array([-1.0, 2.5, 3.2, 1e6])
    clipped = soft_clip(values, ranges)
    assert np.array_equal(clipped[:2], values[:2])
    assert 3.0 < clipped[2] < 3.2 < clipped[3] <= 3.0 + 0.15 * 4.0


def test_calibration_takes_the_first_second_with_a_face(driver):
    calibration = Calibration()
    assert calibration.look(driver[0], 10.0) and calibration.is_running
    assert calibration.look(driver[0] + 0.1, 10.5)
    assert calibration.look(driver[0], 10.0 + CALIBRATION_SECONDS) and not calibration.is_running
    before = calibration.neutral
    assert not calibration.look(driver[-1], 12.0)
    assert calibration.neutral is before


def test_calibration_begins_again_when_asked(driver):
    calibration = Calibration(driver[0])
    calibration.restart()
    calibration.look(driver[-1], 5.0)
    assert np.allclose(calibration.neutral, driver[-1])


def test_the_steady_frames_make_the_neutral_face(driver):
    turning = driver[0] + np.linspace(0, 60, 6)[:, None, None]
    still = np.repeat(driver[:1] + 60, 8, axis=0)
    assert np.allclose(steady_median(np.concatenate([turning, still])), driver[0] + 60)


def test_a_saved_calibration_is_read_back_at_any_size(tmp_path, driver):
    path = tmp_path / "me.json"
    Calibration(driver[0]).write(path, (640, 360))
    saved = read_calibration(path)
    same, half = saved.scaled_to((640, 360)), saved.scaled_to((320, 180))
    assert np.allclose(same.neutral, driver[0], atol=1e-3) and not same.is_running
    assert np.allclose(half.neutral, driver[0] / 2, atol=1e-3)


FACE = [[i % 9 * 10, i * 3] for i in range(68)]
SAVED = {"format_version": 1, "frame_size": [640, 360], "neutral": FACE}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff\xfe\x00",
        b"[" * 100_000,
        json.dumps(SAVED).encode()[:-9],
        *(
            json.dumps(SAVED | changed).encode()
            for changed in (
                {"format_version": 2},
                {"format_version": None},
                {"frame_size": [0, 0]},
                {"frame_size": [-640, 360]},
                {"frame_size": [10**9, 360]},
                {"frame_size": 640},
                {"neutral": FACE[1:]},
                {"neutral": [[5, 5]] * 68},
                {"neutral": [*FACE[:36], *[[3, 3]] * 32]},
                {"neutral": [[1e9, 1], *FACE[1:]]},
                {"neutral": [[float("nan"), 1], *FACE[1:]]},
                {"neutral": [[float("inf"), 1], *FACE[1:]]},
                {"neutral": [["1", 1], *FACE[1:]]},
                {"neutral": [[1, 2, 3], *FACE[1:]]},
                {"neutral": None},
                {"neutral": {"0": [1, 2]}},
            )
        ),
    ],
)
def test_a_damaged_calibration_is_refused(content, tmp_path):
    path = tmp_path / "me.json"
    path.write_text(json.dumps(SAVED))
    assert is_calibration(path) and read_calibration(path).scaled_to((640, 360)).neutral.shape == (68, 2)
    path.write_bytes(content)
    assert not is_calibration(path)
    with pytest.raises(UserError, match=r"expected what --calibration wrote, got .*") as refused:
        read_calibration(path)
    assert "me.json" in str(refused.value)


def test_a_calibration_replaces_no_other_file(tmp_path, driver):
    path = tmp_path / "me.json"
    path.write_text('{"mine": 1}')
    with pytest.raises(UserError, match="expected a new file, or an older one of this kind to replace"):
        Calibration(driver[0]).write(path, (640, 360))
    assert path.read_text() == '{"mine": 1}'
