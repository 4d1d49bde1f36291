"""How the output follows the driver, on motions whose answers are known."""

import numpy as np
import pytest

from face2face.evaluation import following
from face2face.evaluation.following import GAZES, LAG_MOTIONS, MAX_LAG, MOTIONS, Following
from face2face.face.geometry import LEFT_BROW, LEFT_EYE, LIPS, mirrored
from tests import made

COUNT = 120


def talking(seed: int = 0) -> list[np.ndarray]:
    """Faces that open and shut the mouth and the left eye and tilt, float (68, 2) each."""
    rng, face = np.random.default_rng(seed), made.points(200).astype(float)
    steps = np.cumsum(rng.normal(0, 1, (COUNT, 3)), axis=0)
    waves = (steps - steps.mean(axis=0)) / steps.std(axis=0)
    faces = []
    for mouth, eye, tilt in waves:
        points = face.copy()
        for part, by in ((LIPS, mouth), (LEFT_EYE, eye)):
            middle = points[part].mean(axis=0)
            points[part] = middle + (points[part] - middle) * (1, 1 + 0.2 * by)
        turn = np.exp(0.05j * tilt)
        rotation = np.array([[turn.real, -turn.imag], [turn.imag, turn.real]])
        faces.append((points - 100) @ rotation.T + 100)
    return faces


def followed(driver: list, painted: list, found: list | None = None) -> dict[str, float]:
    series = Following()
    for raw, steadied, output in zip(found or driver, driver, painted, strict=True):
        series.add(raw, steadied, output)
    return series.values()


def test_a_face_that_does_the_same_follows_at_once():
    values = followed(talking(), talking())
    assert values["lag"] == pytest.approx(0, abs=0.05)
    for name in ("mouth", "left_eye", "eyes", "roll"):
        assert values[f"{name}_correlation"] == pytest.approx(1)
        assert values[f"{name}_gain"] == pytest.approx(1)
    names = [*MOTIONS, *GAZES]
    assert set(values) == {f"{name}_{kind}" for name in names for kind in ("correlation", "gain")} | {"lag"}
    assert all(np.isnan(values[f"{name}_gain"]) for name in GAZES)


def test_the_gaze_counts_where_both_eyes_are_known():
    """The mean of both eyes: here the painted face looks half as far as its driver."""
    series = Following()
    for across in (-0.2, 0.0, 0.1, 0.3):
        gaze = np.array([[across + 0.05, 0.1], [across - 0.05, 0.1 + across]])
        series.add(None, None, None, (gaze, gaze / 2))
    series.add(None, None, None, (np.array([[9.0, 9.0], [np.nan, np.nan]]), np.zeros((2, 2))))
    values = series.values()
    for name in GAZES:
        assert values[f"{name}_correlation"] == pytest.approx(1)
        assert values[f"{name}_gain"] == pytest.approx(0.5)


@pytest.mark.parametrize("frames", [1, 3, -2])
def test_the_lag_is_found_and_missing_faces_do_no_harm(frames):
    driver = talking()
    painted = [driver[i - frames] if 0 <= i - frames < COUNT else None for i in range(COUNT)]
    driver[40:44], painted[60:63] = [None] * 4, [None] * 3
    assert followed(driver, painted)["lag"] == pytest.approx(frames, abs=0.3)


def test_the_lag_counts_from_the_landmarks_as_detected():
    found = talking()
    steadied = [found[max(0, i - 2)] for i in range(COUNT)]
    assert followed(steadied, steadied, found)["lag"] == pytest.approx(2, abs=0.3)


def test_half_the_motion_has_half_the_gain_and_all_of_the_correlation():
    driver = talking()
    mean = np.mean(driver, axis=0)
    painted = [mean + (points - mean) / 2 for points in driver]
    values = followed(driver, painted)
    assert values["mouth_gain"] == pytest.approx(0.5, abs=0.05)
    assert values["mouth_correlation"] > 0.98


def test_each_eye_is_judged_by_itself():
    driver = talking()
    painted = [points.copy() for points in driver]
    still = driver[0][LEFT_EYE] - driver[0][LEFT_EYE].mean(axis=0)
    for points in painted:
        points[LEFT_EYE] = points[LEFT_EYE].mean(axis=0) + still
    values = followed(driver, painted)
    assert abs(values["left_eye_correlation"]) < 0.5 and values["left_eye_gain"] < 0.5
    assert values["mouth_correlation"] == pytest.approx(1)


@pytest.mark.parametrize("name", ["mouth_slant", "mouth_shift", "eye_difference", "brow_difference"])
def test_asymmetry_is_followed_by_asymmetry_alone(name):
    """The mean of a face and its mirror image has no asymmetry."""
    moves = {
        "mouth_slant": ([48], (0, -4)),
        "mouth_shift": (LIPS, (4, 0)),
        "eye_difference": ([37, 38], (0, -2)),
        "brow_difference": (LEFT_BROW, (0, -4)),
    }
    (part, by), face, waves = moves[name], made.points(200).astype(float), np.sin(np.arange(COUNT))
    driver = [face.copy() for _ in waves]
    for points, wave in zip(driver, waves, strict=True):
        points[part] += wave * np.array(by)
    half = followed(driver, [(points + face) / 2 for points in driver])
    assert half[f"{name}_correlation"] == pytest.approx(1, abs=0.01)
    assert half[f"{name}_gain"] == pytest.approx(0.5, abs=0.02)
    symmetric = [(points + mirrored(points, 200)) / 2 for points in driver]
    assert followed(driver, symmetric)[f"{name}_gain"] == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("name", ["yaw", "pitch"])
def test_a_head_that_turns_is_not_one_that_tilts(name):
    face = made.points(200).astype(float)
    turned = face.copy()
    turned[27:36] += (8, 0) if name == "yaw" else (0, -8)
    measure = MOTIONS[name][0]
    assert measure(turned) > measure(face) + 0.05
    turn = np.array([[0.8, -0.6], [0.6, 0.8]])
    assert measure(face @ turn.T) == pytest.approx(measure(face))
    assert MOTIONS["roll"][0](face @ turn.T) == pytest.approx(MOTIONS["roll"][0](face) + np.arctan2(0.6, 0.8))


def test_what_does_not_move_has_no_correlation_and_no_lag():
    still = [made.points(200)] * COUNT
    values = followed(talking(), still)
    assert values["mouth_correlation"] == values["mouth_gain"] == 0 and np.isnan(values["lag"])
    assert np.isnan(followed(still, talking())["mouth_gain"])
    assert np.isnan(followed(talking()[:MAX_LAG], talking()[:MAX_LAG])["lag"])
    assert set(LAG_MOTIONS) <= set(MOTIONS)


def test_correlation_has_a_sign():
    assert following.correlation(np.ones(5), np.arange(5.0)) == 0
    assert following.correlation(np.arange(5.0), 3 - 2 * np.arange(5.0)) == pytest.approx(-1)


@pytest.mark.parametrize("level", [0.0, 0.1, 0.7])
def test_a_driver_who_does_not_move_has_no_gain(level):
    """Also where the rounded mean of equal numbers is another number."""
    assert np.isnan(following.gain(np.full(100, level), np.random.default_rng(0).normal(size=100)))
