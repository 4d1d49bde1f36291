"""The identity to expect of a true face, by its expression."""

import numpy as np
import pytest

from face2face.evaluation.expected_identity import ExpectedIdentity
from face2face.evaluation.following import MOTIONS

MOUTH = list(MOTIONS).index("mouth")


@pytest.fixture(scope="module")
def expected() -> ExpectedIdentity:
    """Of a target whose face is farther from its mean, the wider its mouth is open."""
    motions = np.random.default_rng(0).normal(size=(100, len(MOTIONS)))
    motions[:, MOUTH] = np.abs(motions[:, MOUTH])
    return ExpectedIdentity(motions, 0.2 + 0.05 * motions[:, MOUTH])


def face(**values: float) -> np.ndarray:
    return np.array([values.get(name, 0.0) for name in MOTIONS])


def test_an_open_mouth_is_expected_to_be_farther(expected):
    shut, open_wide = expected([face(mouth=0), face(mouth=3)])
    assert shut == pytest.approx(0.2, abs=0.01) and open_wide == pytest.approx(0.35, abs=0.02)


def test_what_does_not_matter_is_expected_not_to_matter(expected):
    (at_rest,) = expected([face()])
    assert expected([face(mouth_width=2)])[0] == pytest.approx(at_rest, abs=0.01)
    assert expected([face(roll=5)])[0] == at_rest


def test_few_frames_tell_little():
    """Of two frames, one with an open mouth: nobody knows what made the difference."""
    two = ExpectedIdentity(np.array([face(), face(mouth=1, brows=1)]), np.array([0.2, 0.4]))
    rest, wide = two([face(), face(mouth=1, brows=1)])
    assert 0.2 < rest < 0.3 < wide < 0.4


def test_of_no_face_nothing_is_expected(expected):
    assert expected([]).shape == (0,)
