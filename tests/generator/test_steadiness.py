"""Warping error, pumping and swim, on sequences whose answers are known."""

import cv2
import numpy as np
import pytest

from face2face.evaluation.steadiness import own_motion, warping_error

RNG = np.random.default_rng(0)
FACE = RNG.uniform(60, 190, (68, 2))
TIME = np.linspace(0, 6 * np.pi, 120)


def textured() -> np.ndarray:
    noise = np.random.default_rng(1).uniform(0, 255, (256, 256, 3))
    return cv2.normalize(cv2.GaussianBlur(noise, (0, 0), 4), None, 0, 255, cv2.NORM_MINMAX).astype(np.uint8)


def test_a_still_picture_has_no_warping_error_and_a_moved_one_little():
    picture = textured()
    moved = np.roll(picture, 3, axis=1)
    assert warping_error(picture, picture) == pytest.approx(0, abs=0.01)
    plain = np.abs(moved.astype(float) - picture).mean()
    assert warping_error(picture, moved) < 0.2 * plain


def test_texture_that_changes_by_itself_has_a_higher_warping_error():
    picture = textured()
    shaking = np.clip(picture + RNG.normal(0, 12, picture.shape), 0, 255).astype(np.uint8)
    assert warping_error(picture, shaking) > 5


def scaled(amounts: np.ndarray) -> list[np.ndarray]:
    return [128 + (FACE - 128) * amount for amount in amounts]


def test_a_pumping_head_is_told_from_a_driver_who_moves_to_the_camera():
    approach = np.exp(0.1 * np.sin(TIME))
    pump = np.exp(0.02 * np.sqrt(2) * np.sin(5 * TIME))
    assert own_motion(scaled(approach), scaled(approach**0.5))["pumping"] == pytest.approx(0, abs=1e-6)
    assert own_motion(scaled(approach), scaled(approach * pump))["pumping"] == pytest.approx(2, rel=0.1)


def test_a_swimming_head_is_told_from_a_driver_who_moves_aside():
    aside = np.column_stack([10 * np.sin(TIME), 0 * TIME])
    swim = np.column_stack([0 * TIME, 3 * np.sin(5 * TIME)])
    driver = [FACE + each for each in aside]
    follows, swims = driver, [FACE + a + s for a, s in zip(aside, swim, strict=True)]
    assert own_motion(driver, follows)["swim"] == pytest.approx(0, abs=1e-6)
    assert own_motion(driver, swims)["swim"] > 1
