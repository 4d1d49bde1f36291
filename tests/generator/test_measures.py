"""What a generated face is judged by, on pictures whose answers are known."""

import cv2
import numpy as np
import pytest

from face2face.evaluation import identity, measures, regions
from face2face.evaluation.identity import ANOTHER_PERSON, ANOTHER_PERSON_SFACE
from face2face.face.geometry import LEFT_EYE, LIPS, RIGHT_EYE
from face2face.face.landmarks import LandmarkDetector
from face2face.sources.open import open_source
from tests import made


@pytest.fixture(scope="module")
def judge() -> measures.Judge:
    return measures.Judge(LandmarkDetector(), identity.descriptors())


def described(judge, clip, numbers) -> list[measures.Identity]:
    with open_source(str(clip)) as video:
        pictures = [frame.picture[..., ::-1] for frame in video.frames(set(numbers))]
    return [judge.describe(p, judge.landmarks(p)) for p in pictures]


@pytest.mark.parametrize(
    "key, another", [("identity", ANOTHER_PERSON), ("identity_sface", ANOTHER_PERSON_SFACE)]
)
def test_a_person_is_nearer_to_herself_than_to_another(key, another, judge, clips):
    networks = {descriptor.key: descriptor for descriptor in judge.descriptors}
    if key not in networks:
        pytest.skip(f"needs {identity.SFACE_INSTALLED_BY}")
    woman = [each[key] for each in described(judge, clips / "WolfgangLanger_Pexels.mp4", [260, 340])]
    (man,) = (each[key] for each in described(judge, clips / "single_face.mp4", [5]))
    distance = networks[key].distance
    assert distance(woman[0], woman[0]) == pytest.approx(0, abs=1e-6)
    assert distance(woman[0], woman[1]) < another
    assert distance(woman[0], man) > another


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
    region = regions.outside(face_at(100, 100), 200)
    before, after = np.zeros((200, 200, 3), np.uint8), np.zeros((200, 200, 3), np.uint8)
    after[90:110, 90:110] = 255
    assert measures.flicker(before, after, region) == 0
    after[:] = 7
    assert measures.flicker(before, after, region) == 7
    assert np.isnan(measures.flicker(before, after, np.zeros_like(region)))


def test_eyes_mouth_and_skin_are_apart_and_inside_the_face():
    points = made.points(200)
    whole, face, eyes, mouth = regions.compared(points, 200)
    skin = regions.skin(points, 200)
    assert whole.all() and face.sum() < whole.sum()
    assert not (eyes & mouth).any() and not (skin & (eyes | mouth)).any()
    assert (face & ~skin).any() and not (skin & ~face).any() and skin.any()
    for region, parts in ((eyes, (LEFT_EYE, RIGHT_EYE)), (mouth, (LIPS,))):
        for part in parts:
            x, y = np.round(points[part].mean(axis=0)).astype(int)
            assert region[y, x]


def test_jitter_of_points_that_move_as_one():
    still = np.repeat(face_at(0, 0)[None], 2, axis=0)
    assert measures.jitter(still) == 0
    still[1] += (4, 0)
    assert measures.jitter(still) == pytest.approx(2 / 20)
