"""A driven head stays where the target's was when it was tilted as far."""

import itertools
from dataclasses import replace

import numpy as np
import pytest

from face2face.face.geometry import interocular_distance
from face2face.face.landmarks import LandmarkDetector
from face2face.face.similarity import SimilarityTransform
from face2face.sources.open import open_source
from face2face.target.head_places import KEPT, MIN_FRAMES, HeadPlaces
from face2face.target.retarget import Retargeter
from face2face.target.statistics import TargetFace, head_motion, move_head
from face2face.target.target_file import Target

TILT, RIGHT = 0.05, 8.0
"""Standard deviations of the roll, and of the shift that goes along with it."""

UNIT = 50.0
"""The target's interocular distance, in pixels."""


@pytest.fixture(scope="module")
def motions() -> np.ndarray:
    """float (N, 4): a head that moves right as it tilts, up and down by itself, and keeps its size."""
    random = np.random.default_rng(0)
    roll, y = random.normal(0, TILT, 400), random.normal(0, 6, 400)
    x = RIGHT / TILT * roll + random.normal(0, 1, 400)
    return np.stack([x, y, np.zeros(400), roll], axis=1)


@pytest.fixture(scope="module")
def places(motions) -> HeadPlaces:
    return HeadPlaces.measure(motions, UNIT)


def test_places_that_occurred_stay(places, motions):
    moved = np.array([places.bring_near(motion) - motion for motion in motions])
    assert np.median(np.abs(moved)) == 0
    assert np.mean(np.abs(moved).max(axis=1) < 0.05) > 0.8


def test_tilted_one_way_and_shifted_the_other_never_occurred(places):
    along, against = (places.bring_near(np.array([side * RIGHT, 0, 0, TILT])) for side in (1, -1))
    assert along[0] == pytest.approx(RIGHT, abs=0.5)
    assert against[0] > 0.4 * RIGHT
    assert along[3] == against[3] == TILT  # the tilt itself is the driver's


def test_the_further_away_the_less_is_kept_without_a_jump(places):
    shifts = np.linspace(0, 200, 400)
    kept = [places.bring_near(np.array([0, shift, 0, 0]))[1] for shift in shifts]
    steps = np.diff(kept)
    assert (steps >= -1e-6).all() and steps.max() <= shifts[1] + 1e-9
    assert KEPT * 5 < kept[-1] < 1.7 * KEPT * 6


def test_a_larger_picture_has_the_same_places(motions):
    """Of one target, trained at 256 pixels and at 512."""
    small, large = (HeadPlaces.measure(motions * (s, s, 1, 1), s * UNIT) for s in (1, 2))
    driven = np.array([40.0, -30.0, 0.2, 0.1])
    near = large.bring_near(driven * (2, 2, 1, 1)) / (2, 2, 1, 1)
    assert near == pytest.approx(small.bring_near(driven), abs=1e-6)


def test_a_still_head_has_one_place():
    places = HeadPlaces.measure(np.zeros((MIN_FRAMES, 4)), UNIT)
    assert np.array_equal(places.bring_near(np.zeros(4)), np.zeros(4))
    assert abs(places.bring_near(np.array([30.0, 0, 0, 0]))[0]) < 5


def test_few_frames_tell_too_little(motions):
    assert HeadPlaces.measure(motions[: MIN_FRAMES - 1], UNIT) is None


def test_a_driver_is_kept_where_the_target_was(clips):
    """A driver who tilts his head as she did, and moves elsewhere, is drawn where she was."""
    detector = LandmarkDetector()
    with open_source(str(clips / "WolfgangLanger_Pexels.mp4")) as video:
        points = [detector.find(frame.picture).points for frame in itertools.islice(video.frames(), 110)]
    target = TargetFace.measure(np.array(points, np.float64))
    unit = interocular_distance(target.neutral)
    tilted = move_head(target.neutral, target.neutral, (0.5 * unit, 0.5 * unit, 0, target.motion[3, 1]))
    drawn = []
    for face in (target, replace(target, places=None)):
        retargeter = Retargeter(face)
        retargeter.set_driver(target.neutral)
        transform = SimilarityTransform.estimate(target.neutral, retargeter(tilted).astype(np.float64))
        drawn.append(head_motion(transform, target.neutral))
    (near, free), places = drawn, target.places

    def away(motion: np.ndarray) -> float:
        return np.linalg.norm(places.whitening @ (motion[:3] - places.middle - places.slope * motion[3]))

    assert away(free) > 1.5 * KEPT > away(near)
    assert near[3] == pytest.approx(free[3], abs=0.01)
    read = Target.from_json(Target(256, "colour", target).to_json(), "here").face
    assert np.allclose(read.places.bring_near(free), places.bring_near(free), atol=0.01)
