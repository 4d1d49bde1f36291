"""What a generated face is judged by, on pictures whose answers are known."""

import cv2
import numpy as np
import pytest

from face2face.evaluation import measures
from face2face.evaluation.identity import ANOTHER_PERSON, FaceDescriptor
from face2face.face.landmarks import LandmarkDetector
from face2face.sources.open import open_source


@pytest.fixture(scope="module")
def judge() -> measures.Judge:
    return measures.Judge(LandmarkDetector(), FaceDescriptor())


def described(judge, clip, numbers) -> list[np.ndarray]:
    with open_source(str(clip)) as video:
        pictures = [frame.picture[..., ::-1] for frame in video.frames(set(numbers))]
    return [judge.descriptor(p, judge.landmarks(p)) for p in pictures]


def test_a_person_is_nearer_to_herself_than_to_another(judge, clips):
    woman = described(judge, clips / "WolfgangLanger_Pexels.mp4", [260, 340])
    man = described(judge, clips / "single_face.mp4", [5])
    assert np.linalg.norm(woman[0] - woman[1]) < ANOTHER_PERSON
    assert np.linalg.norm(woman[0] - man[0]) > ANOTHER_PERSON


def test_a_picture_without_a_face_has_no_landmarks(judge):
    assert judge.landmarks(np.full((256, 256, 3), 90, np.uint8)) is None


def test_a_blurred_picture_is_less_sharp():
    picture = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    assert measures.sharpness(cv2.GaussianBlur(picture, (0, 0), 2)) < 0.1 * measures.sharpness(picture)


def face_at(x: float, y: float) -> np.ndarray:
    """Points whose eyes are 20 apart."""
    points = np.random.default_rng(0).uniform(-30, 30, (68, 2))
    points[36:42], points[42:48] = (-10, 0), (10, 0)
    return points + np.array([x, y])


def test_the_nme_is_in_interocular_distances():
    assert measures.normalised_mean_error(face_at(53, 54), face_at(50, 50)) == pytest.approx(5 / 20)


def test_flicker_counts_only_what_lies_in_the_region():
    region = measures.outside(face_at(100, 100), 200)
    before, after = np.zeros((200, 200, 3), np.uint8), np.zeros((200, 200, 3), np.uint8)
    after[90:110, 90:110] = 255
    assert measures.flicker(before, after, region) == 0
    after[:] = 7
    assert measures.flicker(before, after, region) == 7


def test_jitter_of_points_that_move_as_one():
    still = np.repeat(face_at(0, 0)[None], 2, axis=0)
    assert measures.jitter(still) == 0
    still[1] += (4, 0)
    assert measures.jitter(still) == pytest.approx(2 / 20)


def test_correlation_of_what_does_not_change_is_0():
    assert measures.correlation(np.ones(5), np.arange(5.0)) == 0
    assert measures.correlation(np.arange(5.0), 3 - 2 * np.arange(5.0)) == pytest.approx(-1)
