"""A crooked mouth and one raised brow of the driver's are the target's, as far as the target's face goes."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from face2face.face.geometry import LIPS, MOUTH_CORNERS, interocular_distance, mouth_slant, points_of
from face2face.face.similarity import align
from face2face.target.retarget import Retargeter
from face2face.target.statistics import USUAL_SHUT_RATIO, TargetFace
from tests.face.test_retarget import faces

SMALL = 0.05
"""How far the driver moves a part of his face, in interocular distances: seen, and within all ranges."""

LEFT, RIGHT = MOUTH_CORNERS
LEFT_BROW, RIGHT_BROW = points_of("left brow"), points_of("right brow")


@pytest.fixture(scope="module")
def target_points(clips) -> np.ndarray:
    return faces(clips / "WolfgangLanger_Pexels.mp4", [*range(0, 56), *range(235, 470, 3)])


@pytest.fixture(scope="module")
def target(target_points) -> TargetFace:
    return TargetFace.measure(target_points)


@pytest.fixture(scope="module")
def driver(clips) -> np.ndarray:
    return faces(clips / "single_face.mp4", [0])[0]


@pytest.fixture(scope="module")
def smile(clips) -> np.ndarray:
    """Of the driver."""
    return faces(clips / "single_face.mp4", [40])[0]


def corner_up(face: np.ndarray, by: float, corner: int) -> np.ndarray:
    """One corner of the mouth is raised, and the lips towards it ever more; by: interocular distances."""
    crooked, lips = face.copy(), face[LIPS, 0]
    share = np.clip((lips - lips.mean()) / (face[corner, 0] - lips.mean()), 0, 1)
    crooked[LIPS, 1] -= by * interocular_distance(face) * share
    return crooked


def lips_aside(face: np.ndarray, by: float) -> np.ndarray:
    """The mouth is moved to the right, by interocular distances."""
    moved = face.copy()
    moved[LIPS, 0] += by * interocular_distance(face)
    return moved


def brow_up(face: np.ndarray, by: float, brow: slice) -> np.ndarray:
    """A brow is raised, by interocular distances."""
    raised = face.copy()
    raised[brow, 1] -= by * interocular_distance(face)
    return raised


def drawn_motion(target: TargetFace, driver: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """What moves the target's points from rest, float (68, 2), right and up, in interocular distances."""
    retargeter = Retargeter(target)
    retargeter.set_driver(driver, USUAL_SHUT_RATIO)
    rest, unit = retargeter(driver), interocular_distance(target.neutral)
    return lambda face: (retargeter(face) - rest) / unit * (1, -1)


@pytest.fixture(params=["known shapes", "components alone"])
def drawn(request, target, driver) -> Callable[[np.ndarray], np.ndarray]:
    """As `drawn_motion`, of a target of many pictures, and of one of few."""
    assert target.shapes is not None
    is_whole = request.param == "known shapes"
    return drawn_motion(target if is_whole else replace(target, shapes=None), driver)


@pytest.mark.parametrize("by", [-SMALL, SMALL])
@pytest.mark.parametrize("corner, other", [(LEFT, RIGHT), (RIGHT, LEFT)])
def test_a_mouth_is_as_crooked_as_the_drivers(drawn, driver, corner, other, by):
    moved = drawn(corner_up(driver, by, corner))[:, 1]
    assert 0.4 < moved[corner] / by < 1.2
    assert abs(moved[other]) < 0.4 * abs(moved[corner])


@pytest.mark.parametrize("by", [SMALL, 2 * SMALL])
def test_a_smile_is_as_crooked_as_the_drivers(target, driver, smile, by):
    retargeter = Retargeter(target)
    retargeter.set_driver(driver, USUAL_SHUT_RATIO)
    straight, crooked = (mouth_slant(retargeter(face)) for face in (smile, corner_up(smile, by, LEFT)))
    assert 0.6 < (crooked - straight) / by < 1.2


@pytest.mark.parametrize("by", [-SMALL, SMALL])
def test_a_mouth_goes_aside_with_the_drivers(drawn, driver, by):
    assert 0.4 < drawn(lips_aside(driver, by))[LIPS, 0].mean() / by < 1.2


@pytest.mark.parametrize("by", [-SMALL, SMALL])
@pytest.mark.parametrize("brow, other", [(LEFT_BROW, RIGHT_BROW), (RIGHT_BROW, LEFT_BROW)])
def test_one_brow_is_raised_alone(drawn, driver, brow, other, by):
    moved = drawn(brow_up(driver, by, brow))[:, 1]
    assert 0.4 < moved[brow].mean() / by < 1.2
    assert abs(moved[other].mean()) < 0.1 * abs(moved[brow].mean())


@pytest.mark.parametrize("by", [-SMALL, SMALL])
@pytest.mark.parametrize("brow", [LEFT_BROW, RIGHT_BROW])
def test_a_brow_is_raised_in_a_smile(target, driver, smile, brow, by):
    retargeter = Retargeter(target)
    retargeter.set_driver(driver, USUAL_SHUT_RATIO)
    moved = (retargeter(brow_up(smile, by, brow)) - retargeter(smile))[brow, 1].mean()
    assert 0.75 < -moved / interocular_distance(target.neutral) / by < 1.2


@pytest.mark.parametrize("by", [-0.4, 0.4, 1.0])
def test_no_part_goes_much_farther_than_the_target_moved_it(target, target_points, driver, by):
    drawn = drawn_motion(target, driver)
    shapes, _ = align(target_points, target.neutral)
    own = (shapes - target.neutral) / interocular_distance(target.neutral) * (1, -1)
    for moved, known in (
        (drawn(corner_up(driver, by, LEFT))[LEFT, 1], own[:, LEFT, 1]),
        (drawn(lips_aside(driver, by))[LIPS, 0].mean(), own[:, LIPS, 0].mean(axis=1)),
        (drawn(brow_up(driver, by, LEFT_BROW))[LEFT_BROW, 1].mean(), own[:, LEFT_BROW, 1].mean(axis=1)),
    ):
        beyond = 0.3 * np.ptp(known)
        assert known.min() - beyond < moved < known.max() + beyond
