"""The points of a still face rest; those of a moving one do not lag."""

import cv2
import numpy as np
import pytest

from face2face.evaluation.measures import jitter
from face2face.face.geometry import eye_aspect_ratio, interocular_distance
from face2face.face.landmarks import LandmarkDetector
from face2face.face.smoothing import Smoother
from face2face.sources.open import open_source

FPS = 30.0


@pytest.fixture(scope="module")
def blinking(clips) -> np.ndarray:
    """float (72, 68, 2): the man of single_face.mp4, who blinks in frames 25 to 29."""
    detector, last, points = LandmarkDetector(), None, []
    with open_source(str(clips / "single_face.mp4")) as video:
        for frame in video.frames():
            last = detector.find(frame.picture, last)
            points.append(last.points)
    return np.array(points)


def smoothed(points: np.ndarray, strength: float | None = None) -> np.ndarray:
    smoother = Smoother() if strength is None else Smoother(strength)
    return np.array([smoother(face, number / FPS) for number, face in enumerate(points)])


def test_a_still_picture_with_sensor_noise_jitters_a_quarter_as_much(clips):
    detector, noise = LandmarkDetector(), np.random.default_rng(0)
    with open_source(str(clips / "single_face.mp4")) as video:
        still = next(video.frames()).picture
    points = []
    for _ in range(50):
        noisy = np.clip(still + noise.normal(0, 2, still.shape), 0, 255).astype(np.uint8)
        points.append(detector.predict(cv2.cvtColor(noisy, cv2.COLOR_BGR2GRAY), detector.find(still).box))
    at_rest = slice(20, None)
    assert jitter(smoothed(np.array(points))[at_rest]) <= 0.25 * jitter(np.array(points)[at_rest])


def test_a_blink_of_four_frames_keeps_nine_tenths_of_its_depth(blinking):
    raw, steady = eye_aspect_ratio(blinking), eye_aspect_ratio(smoothed(blinking))
    rest = np.median(raw)
    assert raw.min() < 0.5 * rest  # he does blink
    assert rest - steady.min() >= 0.9 * (rest - raw.min())


def test_the_added_delay_is_less_than_a_frame():
    """A nod, sampled: the filtered nod fits the raw one best without being shifted in time."""
    face = np.random.default_rng(0).uniform(100, 200, (68, 2))
    nod = 20 * np.sin(2 * np.pi * np.arange(60) / 20)
    raw = face + np.stack([np.zeros(60), nod], axis=1)[:, None]
    height = smoothed(raw)[:, :, 1].mean(axis=1)
    misfit = [np.abs(height[10 + lag : 50 + lag] - raw[10:50, :, 1].mean(axis=1)).mean() for lag in range(4)]
    assert np.argmin(misfit) == 0


def test_no_smoothing_leaves_the_points_as_they_are(blinking):
    assert np.array_equal(smoothed(blinking, 0.0), blinking)


def test_the_frames_time_counts_not_their_number(blinking):
    """At rest, a frame that comes late moves the filtered face further than one that comes at once."""
    nudged = blinking[0] + 0.2
    steps = []
    for seconds in (0.01, 0.5):
        smoother = Smoother()
        smoother(blinking[0], 0.0)
        steps.append(np.abs(smoother(nudged, seconds) - blinking[0]).mean())
    assert 0 < steps[0] < steps[1]


def test_after_a_reset_the_next_face_is_taken_as_it_is(blinking):
    smoother = Smoother()
    smoother(blinking[0], 0.0)
    smoother.reset()
    assert np.array_equal(smoother(blinking[0] + 50, 0.1), blinking[0] + 50)


def test_of_a_still_face_the_first_frames_count_as_much_as_each_other(blinking):
    """In frames that follow each other so fast that a filter of a fixed share would hardly move."""
    smoother = Smoother()
    noise = np.random.default_rng(0).normal(0, 0.001 * interocular_distance(blinking[0]), (5, 68, 2))
    for begin in (0.0, 1.0):  # and again after a reset
        faces = blinking[0] + noise + begin
        for count in range(1, len(faces) + 1):
            steady = smoother(faces[count - 1], begin + count * 1e-6)
            assert np.allclose(steady, faces[:count].mean(axis=0), atol=1e-4)
        smoother.reset()
