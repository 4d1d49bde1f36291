"""The driver's gaze, carried onto a target: what is learned of both, and how it is steadied."""

import numpy as np
import pytest

from face2face.face.irises import irises_of
from face2face.face.smoothing import GazeSmoother
from face2face.target.calibration import CALIBRATION_SECONDS, Calibration, read_calibration
from face2face.target.gaze import USUAL_REST, DriverGaze, TargetGaze
from tests.face.test_gaze import AHEAD, FACE, aside, looking


def test_a_driver_looks_as_far_aside_as_he_does_and_no_farther_than_the_target_did():
    points = np.array([FACE] * 40)
    target = TargetGaze.measure(points, irises_of(points, looking()))
    np.testing.assert_allclose(target.rest, AHEAD, atol=0.01)
    driver_rest = AHEAD + aside(0.05, 0.02)
    carried = target.carry(driver_rest + aside(0.1), driver_rest)
    np.testing.assert_allclose(carried, target.rest + aside(0.1), atol=0.02)
    assert target.carry(driver_rest + aside(0.9), driver_rest)[0, 0] - target.rest[0, 0] < 0.3


def test_who_often_crosses_the_eyes_does_not_at_rest():
    """Nor is a person of whom the irises are always found a little apart taken for one who does."""
    points, gaze = np.array([FACE] * 90), looking(90)
    crossed, apart = np.array([[0.1, 0.0], [-0.1, 0.0]]), np.array([[-0.05, 0.0], [0.05, 0.0]])
    often = gaze + crossed * (np.arange(90) % 3 > 0)[:, None, None]
    np.testing.assert_allclose(TargetGaze.measure(points, irises_of(points, often)).rest, AHEAD, atol=0.04)
    always = TargetGaze.measure(points, irises_of(points, gaze + apart)).rest
    np.testing.assert_allclose(always, AHEAD + apart, atol=0.01)


def test_of_too_few_irises_nothing_is_known():
    points = np.array([FACE] * 40)
    irises = irises_of(points, looking())
    irises[:20, 1] = np.nan
    assert TargetGaze.measure(points, irises) is None


def test_the_drivers_gaze_at_rest_is_learned():
    driver = DriverGaze()
    np.testing.assert_array_equal(driver.rest, USUAL_REST)
    own = USUAL_REST + aside(0.1, 0.05)
    for i in range(60):
        driver.update(own + aside(0.4) if i % 3 == 0 else own)  # a third of the time he looks aside
    np.testing.assert_allclose(driver.rest, own, atol=0.02)
    driver.restart()
    driver.update(AHEAD)
    np.testing.assert_allclose(driver.rest, AHEAD)


def test_calibration_keeps_the_gaze(tmp_path):
    calibration = Calibration(FACE)
    calibration.restart()
    for seconds in np.arange(0, 2 * CALIBRATION_SECONDS, 0.05):
        across = 0.1 if seconds < CALIBRATION_SECONDS else 0.9
        calibration.update(FACE, seconds, AHEAD + aside(across))
    calibration.write(tmp_path / "me.json", (640, 360))
    saved = read_calibration(tmp_path / "me.json")
    np.testing.assert_allclose(saved.gaze, AHEAD + aside(0.1), atol=0.05)


def test_a_steady_gaze_holds_still_and_a_glance_passes_at_once():
    smoother, noise = GazeSmoother(), np.random.default_rng(0)
    still = np.array([smoother(AHEAD + noise.normal(0, 0.007, (2, 2)), i / 30) for i in range(60)])
    assert still[30:].std(axis=0).max() < 0.003
    glance = smoother(AHEAD + aside(0.2), 2.0)
    np.testing.assert_allclose(glance, AHEAD + aside(0.2), atol=0.01)
    wink = smoother(np.array([[np.nan, np.nan], AHEAD[1]]), 2.03)  # the shut eye moves as the other one
    np.testing.assert_allclose(wink, AHEAD, atol=0.02)
    np.testing.assert_array_equal(smoother(np.full((2, 2), np.nan), 2.06), wink)


def test_how_long_a_gaze_has_been_unknown_is_told_in_seconds_of_the_frames():
    """One eye is enough to know it."""
    smoother, unknown = GazeSmoother(), np.full((2, 2), np.nan)
    smoother(unknown, 1.0)
    assert smoother.unknown_for == 0  # it never was known
    one = np.array([AHEAD[0], [np.nan, np.nan]])
    for gaze, seconds, expected in (
        (AHEAD, 2.0, 0.0),
        (unknown, 2.1, 0.1),
        (unknown, 7.0, 5.0),
        (one, 7.5, 0.0),
        (unknown, 8.0, 0.5),
    ):
        smoother(gaze, seconds)
        assert smoother.unknown_for == pytest.approx(expected)
    smoother.reset()
    assert smoother.unknown_for == 0
