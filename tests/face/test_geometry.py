"""Measures of a face do not depend on where it is, how large, or how it is turned in the picture."""

import numpy as np
import pytest

from face2face.face import geometry
from face2face.face.similarity import SimilarityTransform, align
from tests import made

FACE = made.points(200).astype(float)


def turned(points: np.ndarray, scale: float, roll: float, shift=(0, 0)) -> np.ndarray:
    rotation = np.array([[np.cos(roll), -np.sin(roll)], [np.sin(roll), np.cos(roll)]])
    return scale * points @ rotation.T + np.array(shift)


def test_the_pose_between_two_faces():
    pose = SimilarityTransform.estimate(FACE, turned(FACE, 1.3, 0.2, (30, -12)))
    assert (pose.scale, pose.roll) == pytest.approx((1.3, 0.2))
    assert np.allclose(pose.shift, (30, -12))


def test_a_pose_is_undone():
    face = turned(FACE, 0.7, -0.4, (5, 90))
    assert np.allclose(SimilarityTransform.estimate(FACE, face).apply_inverse(face), FACE)
    assert np.allclose(SimilarityTransform.estimate(FACE, face).apply(FACE), face)


def test_expression_does_not_move_the_pose():
    speaking = FACE.copy()
    speaking[48:] += np.random.default_rng(0).normal(0, 10, (20, 2))
    speaking[5:12, 1] += 20
    speaking[17:27, 1] -= 15
    pose = SimilarityTransform.estimate(FACE, speaking)
    assert (pose.scale, pose.roll) == pytest.approx((1, 0))


MEASURES = [
    geometry.eye_aspect_ratio,
    geometry.mouth_openness,
    geometry.brow_height,
    geometry.mouth_width,
]
ASYMMETRIES = [
    geometry.mouth_slant,
    geometry.mouth_shift,
    geometry.eye_difference,
    geometry.brow_difference,
]


@pytest.mark.parametrize("measure", [*MEASURES, *ASYMMETRIES])
def test_measures_do_not_change_with_pose(measure):
    assert measure(turned(FACE, 2.5, 0.6, (100, 7))) == pytest.approx(measure(FACE))


@pytest.mark.parametrize("measure", [*MEASURES, *ASYMMETRIES])
def test_measures_of_many_faces_at_once(measure):
    faces = np.stack([made.points(200, seed) for seed in range(4)])
    assert measure(faces) == pytest.approx([measure(face) for face in faces])


def test_what_opens_and_rises():
    changed = FACE.copy()
    changed[[37, 38, 43, 44], 1] -= 4  # upper lids
    changed[[65, 66, 67], 1] += 10  # lower lip
    changed[17:27, 1] -= 6  # brows
    changed[54, 0] += 8
    for measure in MEASURES:
        assert measure(changed) > measure(FACE) + 0.01


def test_shut_eyes_and_lips_are_zero():
    shut = FACE.copy()
    for upper, lower in (*geometry.EYELIDS, *geometry.INNER_LIPS):
        shut[lower] = shut[upper]
    assert geometry.eye_aspect_ratio(shut) == 0 and geometry.mouth_openness(shut) == 0


def test_each_asymmetry_is_of_its_own_part_and_changes_its_sign_in_the_mirror():
    interocular, eye_width = geometry.interocular_distance(FACE), FACE[39, 0] - FACE[36, 0]
    moves = {
        geometry.mouth_slant: ([48], (0, -5), 5 / interocular),
        geometry.mouth_shift: (geometry.LIPS, (7, 0), 7 / interocular),
        geometry.eye_difference: ([37, 38, 40, 41], ((0, -1), (0, -1), (0, 1), (0, 1)), 2 / eye_width),
        geometry.brow_difference: (geometry.LEFT_BROW, (0, -6), 6 / interocular),
    }
    for measure, (part, by, change) in moves.items():
        crooked = FACE.copy()
        crooked[part] += by
        for each in ASYMMETRIES:
            changes = change if each is measure else 0
            assert each(crooked) - each(FACE) == pytest.approx(changes, abs=0.02 * change), each.__name__
        assert measure(geometry.mirrored(crooked, 200)) == pytest.approx(-measure(crooked))
        symmetric = (FACE + geometry.mirrored(FACE, 200)) / 2
        assert measure(symmetric) == pytest.approx(0, abs=1e-9)


def test_the_eye_distance_is_in_pixels():
    eyes = FACE[36:48].reshape(2, 6, 2).mean(axis=1)
    assert geometry.interocular_distance(FACE) == pytest.approx(np.hypot(*(eyes[1] - eyes[0])))
    assert geometry.interocular_distance(3 * FACE) == pytest.approx(3 * geometry.interocular_distance(FACE))


def test_mirroring_swaps_left_and_right():
    mirrored = geometry.mirrored(FACE, 200)
    assert np.allclose(mirrored[0], (199 - FACE[16, 0], FACE[16, 1]))  # the jaw's ends
    assert mirrored[geometry.LEFT_EYE, 0].mean() < mirrored[geometry.RIGHT_EYE, 0].mean()
    assert np.allclose(geometry.mirrored(mirrored, 200), FACE)


def test_faces_are_aligned_to_a_reference():
    faces = np.array([turned(FACE, 1.3, 0.2, (30, -12)), turned(FACE, 0.8, -0.5), FACE])
    faces[1, 57] += (3, 9)  # the lower lip, which does not move the transform
    aligned, transforms = align(faces, FACE)
    expected = np.array([FACE] * 3)
    expected[1, 57] = transforms[1].apply_inverse(faces[1, 57])
    assert np.allclose(aligned, expected)
    assert [t.scale for t in transforms] == pytest.approx([1.3, 0.8, 1.0])
    assert [t.roll for t in transforms] == pytest.approx([0.2, -0.5, 0.0])


def test_the_regions_are_all_points_in_order():
    points = [i for region in geometry.REGIONS.values() for i in range(68)[region.points]]
    assert sorted(set(points)) == list(range(68)) and points == sorted(points)
    assert geometry.points_of("nose bridge", "lower nose") == slice(27, 36)
