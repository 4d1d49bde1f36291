"""The driver's expression and head motion on the target's face, on the faces of the sample clips."""

from dataclasses import replace

import numpy as np
import pytest

from face2face.face.geometry import (
    BROWS,
    EYE_ASPECT_RATIOS,
    EYELIDS,
    EYES,
    SHUT_EYE_ASPECT_RATIO,
    brow_height,
    eye_aspect_ratio,
    interocular_distance,
    mouth_openness,
    mouth_width,
)
from face2face.face.head_pose import turned
from face2face.face.landmarks import LandmarkDetector
from face2face.face.similarity import SimilarityTransform
from face2face.sources.open import open_source
from face2face.target.retarget import (
    MOUTH_OVER_WIDEST,
    NARROWER_EYES,
    Retargeter,
    soft_clip,
)
from face2face.target.statistics import USUAL_SHUT_RATIO, TargetFace


def faces(clip, numbers) -> np.ndarray:
    """float (N, 68, 2): the face in some frames of a clip."""
    detector, last, points = LandmarkDetector(), None, []
    with open_source(str(clip)) as video:
        for frame in video.frames(set(numbers)):
            last = detector.find(frame.picture, last)
            points.append(last.points)
    return np.array(points)


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


def driven_by(target: TargetFace, neutral: np.ndarray, shut_eyes: float = USUAL_SHUT_RATIO) -> Retargeter:
    """A retargeter whose driver has this neutral face."""
    retargeter = Retargeter(target)
    retargeter.set_driver(neutral, shut_eyes)
    return retargeter


@pytest.fixture
def retargeter(target, driver) -> Retargeter:
    return driven_by(target, driver[0])


def test_a_driver_at_rest_is_the_target_at_rest(retargeter, target, driver):
    but_lips = slice(0, 48)  # hers rest open, his do not
    away = (retargeter(driver[0]) - target.neutral)[but_lips]
    assert np.abs(away).max() < 0.02 * interocular_distance(target.neutral)


def test_the_targets_own_frames_stay_what_they_are(target, target_points):
    retargeter = driven_by(target, target.neutral, target.shut_eyes)
    differences = [
        np.linalg.norm(retargeter(points) - points, axis=1).mean() / interocular_distance(points)
        for points in target_points
    ]
    assert np.median(differences) <= 0.02


def test_where_and_how_far_the_driver_sits_does_not_matter(target, driver):
    elsewhere = driver * 0.5 + (400, -30)
    here, there = driven_by(target, driver[0]), driven_by(target, elsewhere[0])
    for face, same_face in zip(driver, elsewhere, strict=True):
        assert np.allclose(here(face), there(same_face), atol=0.05)


def test_shut_eyes_are_shut_and_open_eyes_are_open(retargeter, target, target_points, driver):
    carried = np.array([retargeter(face) for face in driver])
    blink = int(np.argmin(eye_aspect_ratio(driver)))
    shut = np.percentile(eye_aspect_ratio(target_points), 10)
    assert eye_aspect_ratio(carried[blink]) <= shut
    assert eye_aspect_ratio(carried[0]) >= 0.95 * eye_aspect_ratio(target.neutral)


def test_eyes_that_were_never_filmed_shut_narrow_as_far_as_irises_are_drawn(target, driver):
    staring = replace(target, shut_eyes=0.9)
    retargeter = driven_by(staring, driver[0])
    blink = retargeter(driver[np.argmin(eye_aspect_ratio(driver))])
    narrowed = eye_aspect_ratio(blink) / eye_aspect_ratio(target.neutral)
    assert narrowed == pytest.approx(staring.drawn_shut_eyes, abs=0.02) and narrowed < 0.8
    assert all(ratio(blink) >= SHUT_EYE_ASPECT_RATIO for ratio in EYE_ASPECT_RATIOS)


def with_eyes(face: np.ndarray, share: float) -> np.ndarray:
    """The face with its eyelids at that share of their distance."""
    changed = face.copy()
    for upper, lower in EYELIDS:
        centre = (face[upper] + face[lower]) / 2
        changed[[upper, lower]] = centre + share * (face[[upper, lower]] - centre)
    return changed


@pytest.mark.parametrize("wider", [0.1, 0.2])
def test_eyes_wider_than_at_rest_are_drawn_wider_still(retargeter, driver, wider):
    rest, wide = retargeter(driver[0]), retargeter(with_eyes(driver[0], 1 + wider))
    assert eye_aspect_ratio(wide) / eye_aspect_ratio(rest) == pytest.approx(1 + 2 * wider, abs=0.02)


@pytest.mark.parametrize("higher", [-0.1, 0.1])
def test_brows_move_a_little_more_than_the_drivers(target, driver, higher):
    free = replace(target, ranges=np.array([[-1e5, 1e5]] * len(target.ranges)), residual=1e5)
    retargeter = driven_by(free, driver[0])
    raised = driver[0].copy()
    raised[BROWS, 1] -= higher * (raised[EYES, 1].mean() - raised[BROWS, 1].mean())
    rest, moved = (brow_height(retargeter(face)) for face in (driver[0], raised))
    assert moved / rest == pytest.approx(1 + 1.1 * higher, abs=0.004)


def test_what_shut_eyes_are_is_learned_from_the_driver(retargeter, target, driver):
    """Until he shuts them further, they count as shut at a usual share of their opening; then no more."""
    rest = eye_aspect_ratio(retargeter(driver[0]))
    nearly = with_eyes(driver[0], USUAL_SHUT_RATIO)
    assert eye_aspect_ratio(retargeter(nearly)) / rest == pytest.approx(target.shut_eyes, abs=0.02)
    shut = retargeter(with_eyes(driver[0], 0.2))
    assert eye_aspect_ratio(shut) / rest == pytest.approx(target.shut_eyes, abs=0.02)
    half_shut = with_eyes(driver[0], 0.6)
    way = (0.6 - 0.2) / (1 - 0.2)  # from shut to rest
    expected = 1 - NARROWER_EYES * (1 - target.shut_eyes) * (1 - way)
    assert eye_aspect_ratio(retargeter(half_shut)) / rest == pytest.approx(expected, abs=0.02)


def test_the_outer_lips_go_along_with_the_inner_ones(target, driver):
    """A mouth that shuts keeps the thickness of its lips."""
    parted = target.neutral.copy()
    parted[[65, 66, 67, 56, 57, 58]] += (0, 0.05 * interocular_distance(parted))
    carried = driven_by(replace(target, neutral=parted), driver[0])(driver[0])
    upper, lower = ([50, 51, 52], [61, 62, 63]), ([65, 66, 67], [56, 57, 58])
    for above, below in (upper, lower):
        before, after = ((face[below] - face[above])[:, 1].mean() for face in (parted, carried))
        assert after == pytest.approx(before, abs=0.01 * interocular_distance(parted))


def test_shut_lips_are_shut_though_the_targets_rest_open(target, driver):
    parted = target.neutral.copy()
    parted[[65, 66, 67]] += (0, 0.05 * interocular_distance(parted))
    parted_target = replace(target, neutral=parted)
    carried = driven_by(parted_target, driver[0])(driver[0])
    assert mouth_openness(driver[0]) < 0.03
    assert mouth_openness(carried) < 0.03 < mouth_openness(parted)


def test_a_wider_mouth_is_always_wider_but_ever_less_so(retargeter, target, driver):
    opened = []
    for gap in np.linspace(0, 0.8, 9) * interocular_distance(driver[0]):
        gaping = driver[0].copy()
        gaping[[65, 66, 67, 56, 57, 58]] += (0, gap)
        opened.append(mouth_openness(retargeter(gaping)))
    steps = np.diff(opened)
    assert steps.min() > 0 and np.diff(steps).max() < 0
    assert (
        0.7 * MOUTH_OVER_WIDEST * target.open_mouth
        < opened[-1]
        < 1.02 * MOUTH_OVER_WIDEST * target.open_mouth
    )


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


class InModelSpace(Retargeter):
    """Bounds the expression in model space, where `target.json` has its components and ranges."""

    def _bound_expression(self, expression: np.ndarray) -> np.ndarray:
        known, upright = self._target, self._target_upright
        flat = (self._from_upright.apply(upright + expression) - known.neutral).ravel()
        coefficients = known.components @ flat
        rest = flat - coefficients @ known.components
        length = np.linalg.norm(rest)
        rest *= soft_clip(np.array([length]), np.array([[0.0, known.residual]]))[0] / length
        bounded = soft_clip(coefficients, known.ranges) @ known.components + rest
        return self._from_upright.apply_inverse(known.neutral + bounded.reshape(68, 2)) - upright


@pytest.mark.parametrize("roll", [0.0, 0.5, -1.0])
def test_an_expression_is_bounded_as_in_model_space(target_points, driver, roll):
    rotation = np.array([[np.cos(roll), -np.sin(roll)], [np.sin(roll), np.cos(roll)]])
    target = TargetFace.measure(target_points @ rotation.T)
    converted, straight = driven_by(target, driver[0]), InModelSpace(target)
    straight.set_driver(driver[0])
    exaggerated = driver[0] + 3 * (driver - driver[0])
    for points in (*driver, *exaggerated):
        assert np.abs(converted(points) - straight(points)).max() < 1e-3
    free = replace(target, ranges=np.array([[-1e5, 1e5]] * len(target.ranges)), residual=1e5)
    unbounded = driven_by(free, driver[0])
    assert max(np.abs(converted(points) - unbounded(points)).max() for points in exaggerated) > 5


def test_expression_is_carried_as_much_as_asked(retargeter, target, driver):
    """None of it, with a still head, is the face at rest; more of it is more."""
    smile = driver[-1]
    still = retargeter(smile, expression=0.0, head=0.0)
    assert np.abs(still - target.neutral)[:48].max() < 0.5
    widths = [mouth_width(retargeter(smile, expression=gain)) for gain in (0.0, 0.5, 1.0, 1.3)]
    assert widths == sorted(widths) and widths[2] - widths[0] > 0.1
    blink = driver[int(np.argmin(eye_aspect_ratio(driver)))]
    openness = [eye_aspect_ratio(retargeter(blink, expression=gain)) for gain in (1.0, 0.5, 0.0)]
    assert openness[0] < 0.7 * openness[1] < openness[1] < openness[2]


def test_head_motion_is_carried_as_much_as_asked(retargeter, driver):
    rest, moved = retargeter(driver[0]), driver[0] + (0.1 * interocular_distance(driver[0]), 0.0)
    ways = [(retargeter(moved, head=gain) - rest)[:, 0].mean() for gain in (0.0, 0.5, 1.0)]
    assert ways == pytest.approx([0.0, ways[2] / 2, ways[2]], abs=0.1) and ways[2] > 1


def test_a_still_head_does_not_turn_with_the_drivers(retargeter, target, driver):
    """Nor does it come nearer: a turn is no expression, and no motion towards the camera."""
    unit = interocular_distance(driver[0])
    turned_aside = driver[0] + unit * turned(np.array([0.15, 0.0]))
    rest = retargeter(driver[0], head=0.0)
    still, turning = retargeter(turned_aside, head=0.0), retargeter(turned_aside)
    assert np.abs(still - rest).max() < 0.3
    assert (turning - rest)[30, 0] > 0.05 * interocular_distance(rest)
    assert interocular_distance(turning) == pytest.approx(interocular_distance(rest), rel=0.02)


def test_a_target_who_never_blinked_is_driven_by_itself(target):
    """Its shut eyes are its eyes at rest."""
    open_eyes = replace(target, shut_eyes=1.0)
    moved = driven_by(open_eyes, target.neutral, shut_eyes=1.0)(target.neutral)
    assert np.abs(moved - target.neutral)[EYES].max() < 0.1


def test_eyes_are_never_drawn_far_wider_than_the_targets(target, driver):
    """Of one who squints when the rest is learned: without the limit they were 4 times as wide."""
    squinting = with_eyes(driver[0], 0.4)
    retargeter = driven_by(target, squinting)
    openness = [eye_aspect_ratio(retargeter(with_eyes(driver[0], share))) for share in (0.4, 0.6, 0.8, 1.0)]
    assert openness == sorted(openness)
    assert openness[-1] < 2.55 * openness[0]


def test_crossed_lids_do_not_tell_how_far_a_drivers_eyes_shut(retargeter, driver):
    """As in a frame that the detector got wrong: half shut eyes would be drawn nearly open from then on."""
    half_shut = with_eyes(driver[0], 0.6)
    retargeter(with_eyes(driver[0], 0.2))
    before = retargeter(half_shut)
    retargeter(with_eyes(driver[0], -0.5))
    assert np.array_equal(retargeter(half_shut), before)
