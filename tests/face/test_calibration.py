"""The driver's neutral face: found in what is seen, written, read back, refused where damaged."""

import itertools
import json

import numpy as np
import pytest

from face2face.cli import UserError
from face2face.face.geometry import EYELIDS, LIPS, eye_aspect_ratio, interocular_distance
from face2face.face.landmarks import LandmarkDetector
from face2face.face.similarity import SimilarityTransform
from face2face.sources.open import open_source
from face2face.target.calibration import (
    CALIBRATION_SECONDS,
    LEARNING_SECONDS,
    Calibration,
    is_calibration,
    read_calibration,
    steady_median,
)
from face2face.target.gaze import USUAL_REST
from face2face.target.statistics import neutral_face
from tests import made


@pytest.fixture
def driver() -> np.ndarray:
    """float (12, 68, 2): one face with small differences, as a detector sees it."""
    return np.array([made.points(256, seed) for seed in range(12)], np.float64)


@pytest.fixture(scope="module")
def clip(clips) -> np.ndarray:
    """float (72, 68, 2): a man at rest (to frame 17), with a blink (27), who then smiles broadly (32 on)."""
    detector = LandmarkDetector()
    with open_source(str(clips / "single_face.mp4")) as video:
        return np.array([detector.find(frame.picture).points for frame in video.frames()], np.float64)


@pytest.fixture(scope="module")
def prior(clips) -> np.ndarray:
    """Another person's face at rest, in other pixels."""
    detector = LandmarkDetector()
    with open_source(str(clips / "WolfgangLanger_Pexels.mp4")) as video:
        return neutral_face(
            np.array([detector.find(f.picture).points for f in video.frames({*range(216, 224)})])
        )


def learn(prior: np.ndarray, faces: np.ndarray, fps: float = 25.0) -> Calibration:
    calibration = Calibration(prior)
    for index, points in enumerate(faces):
        calibration.update(points, index / fps)
    return calibration


def away(face: np.ndarray, rest: np.ndarray, region: slice = slice(None)) -> float:
    """Mean distance of a region from that at rest, in interocular distances, once the heads are aligned."""
    aligned = SimilarityTransform.estimate(rest, face).apply_inverse(face)
    return float(np.linalg.norm(aligned - rest, axis=1)[region].mean() / interocular_distance(rest))


def test_a_first_second_of_smiling_does_no_harm(prior, clip):
    rest, smiling = clip[5], clip[45:70]
    assert away(learn(prior, smiling).neutral, rest, LIPS) < 0.6 * away(steady_median(smiling), rest, LIPS)
    seen_more = np.concatenate([smiling, np.tile(clip[:15], (6, 1, 1))])
    assert away(learn(prior, seen_more).neutral, rest, LIPS) < 0.02


def test_a_first_second_of_shut_eyes_does_no_harm(prior, clip):
    rest, shut = clip[5], clip[5].copy()
    for upper, lower in EYELIDS:
        shut[[upper, lower]] = shut[[upper, lower]].mean(axis=0) + 0.2 * (
            shut[[upper, lower]] - shut[[upper, lower]].mean(axis=0)
        )
    first = learn(prior, np.tile(shut, (25, 1, 1)))
    assert eye_aspect_ratio(first.neutral) > 0.8 * eye_aspect_ratio(prior)
    seen_more = learn(prior, np.concatenate([np.tile(shut, (25, 1, 1)), np.tile(rest, (75, 1, 1))]))
    assert eye_aspect_ratio(seen_more.neutral) == pytest.approx(eye_aspect_ratio(rest), rel=0.03)


def test_a_lasting_smile_does_not_become_the_face_at_rest(prior, clip):
    rest, smile = np.tile(clip[:15], (4, 1, 1)), np.tile(clip[45:70], (80, 1, 1))
    calibration = learn(prior, np.concatenate([rest, smile]))
    assert calibration.is_settled
    assert away(calibration.neutral, clip[5], LIPS) < 0.02
    settled = calibration.neutral
    for index, points in enumerate(clip):
        calibration.update(points, 100 + index / 25)
    assert calibration.neutral is settled


@pytest.mark.parametrize("fps", [2, 5, 30, 120])
def test_what_is_learned_of_a_minute_does_not_depend_on_the_frame_rate(prior, clip, fps):
    """For 8 s the driver reads, and then he looks into the camera."""
    calibration, reading = Calibration(prior), USUAL_REST + np.array([0.0, 0.16])
    for seconds in np.arange(0, 1.5 * LEARNING_SECONDS, 1 / fps):
        calibration.update(clip[5], seconds, reading if seconds < 8 else USUAL_REST)
        if abs(seconds - LEARNING_SECONDS) > 1:
            assert calibration.is_settled == (seconds > LEARNING_SECONDS)
    np.testing.assert_allclose(calibration.gaze.rest, USUAL_REST)
    calibration.update(clip[5], 100.0, reading)
    settled = calibration.gaze.rest
    for seconds in range(101, 800):
        calibration.update(clip[5], seconds, reading)
    assert calibration.gaze.rest is settled


@pytest.mark.parametrize("fps", [5, 25])
def test_a_head_that_moves_is_not_at_rest(prior, clip, fps):
    """He comes in for 5 s and then sits still for 2, also where frames come slowly."""
    way = np.maximum(np.arange(5, -2, -1 / fps) * 150, 0)
    calibration = learn(prior, clip[5] + np.stack([way, 0 * way], axis=-1)[:, None], fps)
    off = (calibration.neutral - clip[5]).mean(axis=0)
    assert np.linalg.norm(off) < interocular_distance(clip[5])


def test_the_face_at_rest_moves_without_a_jump(prior, clip):
    calibration = Calibration(prior)
    faces = [None]
    for index, points in enumerate(np.concatenate([clip[45:70], np.tile(clip[:15], (6, 1, 1))])):
        calibration.update(points, index / 25)
        faces.append(calibration.neutral)
    steps = [away(after, before) for before, after in itertools.pairwise(faces[1:])]
    assert max(steps) < 0.02
    assert away(faces[-1], faces[1]) > 0.05


def test_a_clip_that_is_looked_through_ahead_is_settled(prior, clip):
    calibration = Calibration(prior)
    calibration.look_ahead(clip[::2])
    assert calibration.is_settled
    calibration.update(clip[50], 0.0)
    assert away(calibration.neutral, clip[5], LIPS) < 0.03
    too_few = Calibration(prior)
    too_few.look_ahead(clip[:3])
    assert not too_few.is_settled


def test_where_the_targets_face_is_in_its_picture_does_not_matter(prior, clip):
    """The driver's head is turned and scaled a little in each frame, so a far origin would shift his face."""
    rng, faces = np.random.default_rng(0), []
    for points in clip[:15]:
        angle, middle = rng.normal(0, 0.1), points.mean(axis=0)
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        faces.append((points - middle) @ turn.T * rng.uniform(0.9, 1.1) + middle)
    found = []
    for place in (prior, prior + 1000):
        calibration = Calibration(place)
        calibration.look_ahead(faces)
        found.append(calibration.neutral)
    iod = interocular_distance(found[0])
    assert np.abs(found[1] - found[0]).max() < 0.001 * iod
    seen = np.median(np.mean(faces, axis=1), axis=0)
    assert np.linalg.norm(found[0].mean(axis=0) - seen) < 0.02 * iod


def test_calibration_is_at_once_when_asked(prior, clip):
    smile = clip[60]
    calibration = learn(prior, clip[:20])
    calibration.restart()
    assert calibration.is_running
    for index in range(51):
        calibration.update(smile, 5.0 + index / 25)
        assert calibration.is_running == (index / 25 < CALIBRATION_SECONDS)
    assert away(calibration.neutral, smile) < 0.02 and calibration.is_settled
    kept = calibration.neutral
    calibration.update(clip[0], 8.0)
    calibration.update(clip[0], 9.0)
    assert np.abs(calibration.neutral - kept).max() < 1


def test_what_is_kept_is_the_calibrated_face_and_not_the_way_to_it(prior, clip, tmp_path):
    calibration = learn(prior, clip[:20])
    assert calibration.is_known == (CALIBRATION_SECONDS <= 20 / 25)
    calibration.restart()
    moved = clip[0] + 60
    for index in range(26):
        assert not calibration.is_known  # to end now must not overwrite what was kept before
        calibration.update(moved, 5.0 + index / 25)
    assert calibration.is_known
    calibration.write(tmp_path / "me.json", (640, 360))
    kept = read_calibration(tmp_path / "me.json")
    assert np.allclose(kept.scaled_to((640, 360)), moved, atol=1e-2)


def test_the_steady_frames_make_the_neutral_face(driver):
    turning = driver[0] + np.linspace(0, 60, 6)[:, None, None]
    still = np.repeat(driver[:1] + 60, 8, axis=0)
    for frames in ([turning, still], [still, turning[::-1]], [still[:4], turning[:-1], still[4:]]):
        assert np.allclose(steady_median(np.concatenate(frames)), driver[0] + 60)


def test_a_saved_calibration_is_read_back_at_any_size(tmp_path, driver):
    path = tmp_path / "me.json"
    Calibration(driver[1], driver[0]).write(path, (640, 360))
    saved = read_calibration(path)
    assert np.allclose(saved.scaled_to((640, 360)), driver[0], atol=1e-3)
    assert np.allclose(saved.scaled_to((320, 180)), driver[0] / 2, atol=1e-3)


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
    assert is_calibration(path) and read_calibration(path).scaled_to((640, 360)).shape == (68, 2)
    path.write_bytes(content)
    assert not is_calibration(path)
    with pytest.raises(UserError, match=r"expected what --calibration wrote, got .*") as refused:
        read_calibration(path)
    assert "me.json" in str(refused.value)


def test_a_calibration_replaces_no_other_file(tmp_path, driver):
    path = tmp_path / "me.json"
    path.write_text('{"mine": 1}')
    with pytest.raises(UserError, match="expected a new file, or an older one of this kind to replace"):
        Calibration(driver[1], driver[0]).write(path, (640, 360))
    assert path.read_text() == '{"mine": 1}'
