"""Driven shapes are brought near to the training shapes, whole and in parts, as far as they are unknown."""

import itertools
from dataclasses import replace

import numpy as np
import pytest

from face2face.face.geometry import (
    LEFT_EYE,
    LIPS,
    REGIONS,
    RIGHT_EYE,
    eye_aspect_ratio,
    interocular_distance,
    mouth_openness,
    mouth_width,
)
from face2face.face.landmarks import LandmarkDetector
from face2face.face.similarity import align
from face2face.sources.open import open_source
from face2face.target.known_shapes import PARTS, KnownShapes, TrainingShapes
from face2face.target.retarget import WIDENED_MOUTH, Retargeter
from face2face.target.statistics import TargetFace


@pytest.fixture(scope="module")
def target_points(clips) -> np.ndarray:
    """A woman from grief to laughter: both her eyes open and shut, always together."""
    detector = LandmarkDetector()
    with open_source(str(clips / "WolfgangLanger_Pexels.mp4")) as video:
        wanted = {*range(0, 56), *range(235, 470, 3)}
        return np.array([detector.find(frame.picture).points for frame in video.frames(wanted)], np.float64)


@pytest.fixture(scope="module")
def target(target_points) -> TargetFace:
    return TargetFace.measure(target_points)


@pytest.fixture(scope="module")
def shapes(target, target_points) -> np.ndarray:
    """float (N, 68, 2), upright."""
    aligned, _ = align(target_points, target.neutral)
    return (aligned - target.neutral[36:48].mean(axis=0)) / interocular_distance(target.neutral)


@pytest.fixture(scope="module")
def known(shapes) -> KnownShapes:
    return KnownShapes(shapes)


def away(face: np.ndarray, shapes: np.ndarray, region: slice) -> float:
    """Distance of a region from that of the nearest training shape."""
    return float(np.linalg.norm((shapes - face)[:, region].reshape(len(shapes), -1), axis=1).min())


def test_a_training_shape_is_hardly_changed(known, shapes):
    for shape in shapes[::10]:
        change = np.abs(known(shape) - shape)
        assert change[: LIPS.start].max() == 0 and change.max() < 0.03


def torn(shape: np.ndarray, region: str, size: float) -> np.ndarray:
    """The shape with noise on a region, of that standard deviation."""
    points, changed = REGIONS[region].points, shape.copy()
    changed[points] += np.random.default_rng(0).normal(0, size, changed[points].shape)
    return changed


OTHER_EYE = {"left eye": RIGHT_EYE, "right eye": LEFT_EYE}


@pytest.mark.parametrize("region", REGIONS)
def test_an_unknown_part_is_brought_near_and_others_hardly_change(known, shapes, region):
    points, others = REGIONS[region].points, OTHER_EYE.get(region, RIGHT_EYE)
    driven = torn(shapes[40], region, 0.15)
    near = known(driven)
    assert away(near, shapes, points) < 0.6 * away(driven, shapes, points)
    assert np.abs(near[others] - driven[others]).max() < 0.005


@pytest.mark.parametrize("region", REGIONS)
def test_no_other_part_is_changed_while_the_face_is_known_as_a_whole(known, shapes, region):
    points, others = REGIONS[region].points, OTHER_EYE.get(region, RIGHT_EYE)
    driven = torn(shapes[40], region, 0.05)
    near = known(driven)
    assert away(near, shapes, points) < away(driven, shapes, points)
    assert np.array_equal(near[others], driven[others])


@pytest.mark.parametrize("seed", [2, 3, 9, 16])
def test_known_parts_that_make_an_unknown_face_are_brought_near(known, shapes, seed):
    """Each part of the mixed face is that of another of her faces."""
    rng = np.random.default_rng(seed)
    mixed = shapes[0].copy()
    for part in PARTS[1:]:
        mixed[part.points] = shapes[rng.integers(len(shapes))][part.points]
    everything = slice(None)
    assert away(known(mixed), shapes, everything) < 0.8 * away(mixed, shapes, everything)


def test_the_more_unknown_the_less_is_kept(known, shapes):
    """Without a jump on the way."""
    direction = np.zeros((68, 2))
    direction[LIPS] = np.random.default_rng(1).normal(0, 1, (20, 2))
    driven = [shapes[40] + size * direction for size in np.linspace(0, 0.5, 200)]
    near = [known(shape) for shape in driven]
    assert max(np.abs(after - before).max() for before, after in itertools.pairwise(near)) < 0.2
    kept = [away(near[at], shapes, LIPS) / away(driven[at], shapes, LIPS) for at in (20, 60, 199)]
    assert kept[2] < min(0.8 * kept[0], 0.3)


def test_a_wink_survives_though_she_never_winks(known, shapes):
    openness = eye_aspect_ratio(shapes)
    wink = shapes[int(np.argmax(openness))].copy()
    wink[LEFT_EYE] = shapes[int(np.argmin(openness))][LEFT_EYE]
    assert np.abs(known(wink) - wink)[36:48].max() < 0.02


def test_retargeting_draws_what_is_known(target, target_points, shapes):
    """A mouth far wider open than hers ever was is drawn nearer to hers than without her shapes."""
    driver = target_points[40]
    gaping = driver.copy()
    unit = interocular_distance(driver)
    gaping[[56, 57, 58, 65, 66, 67]] += (0.3 * unit, 0.5 * unit)
    carried = []
    for face in (target, replace(target, shapes=None)):
        retargeter = Retargeter(face)
        retargeter.set_driver(driver)
        aligned, _ = align(retargeter(gaping)[None].astype(np.float64), target.neutral)
        upright = (aligned[0] - target.neutral[36:48].mean(axis=0)) / interocular_distance(target.neutral)
        carried.append(away(upright, shapes, LIPS))
        assert mouth_openness(aligned[0]) > 0.5 * target.open_mouth
    assert carried[0] < 0.8 * carried[1]


def test_a_smile_is_drawn_less_wide_than_it_is(target, target_points):
    driver = target_points[0]
    middle = driver[LIPS, 0].mean()
    smile = driver.copy()
    smile[LIPS, 0] = middle + 1.1 * (driver[LIPS, 0] - middle)
    retargeter = Retargeter(target)
    retargeter.set_driver(driver)
    wider = mouth_width(retargeter(smile)) / mouth_width(retargeter(driver))
    assert wider == pytest.approx(1 + 0.1 * WIDENED_MOUTH, abs=0.01)


def test_a_round_mouth_stays_round_though_she_opens_hers_only_to_laugh(target, target_points):
    """And one wider than hers ever was is hardly wider than that."""
    driver = target_points[0]
    unit, middle = interocular_distance(driver), driver[LIPS, 0].mean()
    round_mouth, broad = driver.copy(), driver.copy()
    round_mouth[[56, 57, 58, 65, 66, 67]] += (0, 0.35 * unit)
    round_mouth[LIPS, 0] = middle + 0.95 * (driver[LIPS, 0] - middle)
    broad[LIPS, 0] = middle + 1.8 * (driver[LIPS, 0] - middle)
    retargeter = Retargeter(target)
    retargeter.set_driver(driver)
    rest, of_round, of_broad = (retargeter(face) for face in (driver, round_mouth, broad))
    assert mouth_openness(of_round) > mouth_openness(rest) + 0.15
    assert mouth_width(of_round) == pytest.approx(0.95 * mouth_width(rest), rel=0.02)
    assert 0.9 < mouth_width(of_broad) / mouth_width(target_points).max() < 1.15


def test_a_small_motion_never_makes_the_drawing_jump(known, target_points, shapes):
    """Though each of the nearest training shapes is exchanged for another on the way."""
    asides = np.zeros((2, 68, 2))
    asides[0, LIPS] = 0.12, 0.1
    asides[1, LIPS] = -0.1, 0.15
    for start, aside in itertools.product((0, 60), asides):
        way = [known(shapes[start] + share * aside) for share in np.linspace(0, 1, 400)]
        steps = np.abs(np.diff(way, axis=0)).max(axis=(1, 2))
        assert steps.max() < 0.006


@pytest.mark.filterwarnings("error")
def test_training_shapes_whose_points_are_all_in_one_place_give_a_face(target, target_points):
    """A frozen graph may come from anybody."""
    flat = -target.neutral.ravel()
    steps = np.maximum(np.abs(flat) / 127, 1e-5)
    values = np.tile(np.rint(flat / steps).astype(np.int8), (len(target.shapes.values), 1))
    retargeter = Retargeter(replace(target, shapes=TrainingShapes(steps, values)))
    retargeter.set_driver(target.neutral)
    assert np.isfinite([retargeter(points) for points in target_points[::20]]).all()
