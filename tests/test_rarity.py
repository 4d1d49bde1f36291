"""Rare faces are trained on more often than usual ones."""

import itertools
from dataclasses import replace

import numpy as np
import pytest

from face2face.target.sidecar import Sidecar, read_sidecar
from pix2pix import dataset, rarity, training
from tests import made

LOWER_LIP = [55, 56, 57, 58, 59, 65, 66, 67]
BLINK = [37, 38, 43, 44]


@pytest.fixture(scope="module")
def faces() -> np.ndarray:
    """float (200, 68, 2): one face with the detector's noise, at any place; the last six are rare.

    Four of them have an open mouth, two blink.
    """
    rng = np.random.default_rng(0)
    faces = made.points(256)[None] + rng.normal(0, 0.3, (200, 68, 2))
    faces[194:198, LOWER_LIP, 1] += [[6], [8], [10], [12]]
    faces[198:, BLINK, 1] += [[4], [5]]
    return faces + rng.uniform(-30, 30, (200, 1, 2))


def test_what_is_seldom_seen_is_rare(faces):
    found = rarity.rarity(faces)
    usual, rare = found[:194], found[194:]
    assert np.median(usual) == pytest.approx(1, abs=0.05) and usual.max() < 1.3
    assert (rare > 1.4).all()
    assert found.min() >= 0.7 and found.max() <= 3.0


def test_size_and_number_of_the_pictures_do_not_matter(faces):
    found = rarity.rarity(faces)
    np.testing.assert_allclose(rarity.rarity(3 * faces), found, rtol=1e-3)
    usual = made.points(256)[None] + np.random.default_rng(1).normal(0, 0.3, (5000, 68, 2))
    many = rarity.rarity(np.concatenate([faces, usual]))
    assert (many[194:200] > 1.4).all() and np.percentile(many[200:], 99) < 1.4


def test_the_same_face_again_and_again_is_no_error():
    assert len(set(rarity.rarity(np.repeat(made.points(64)[None], 5, axis=0)))) == 1
    assert len(rarity.rarity(made.points(64)[None])) == 1


def test_pairs_are_drawn_in_proportion_to_their_weights():
    weights = np.array([1.0, 2.0, 4.0, 0.5, 0.5])
    drawn = [index for _, index in itertools.islice(dataset.sample_order(5, 1, 0, weights), 5 * 4000)]
    np.testing.assert_allclose(np.bincount(drawn) / len(drawn), weights / weights.sum(), rtol=0.05)
    for epoch in np.reshape(drawn, (-1, 5)):
        assert {1, 2} <= set(epoch)  # whatever weighs more than the mean is in each epoch


@pytest.mark.parametrize("first", [3, 5, 12])
def test_from_a_later_place_the_same_pairs_are_drawn(first):
    weights = np.array([1.0, 2.0, 4.0, 0.5, 0.5])
    whole = list(itertools.islice(dataset.sample_order(5, 1, 0, weights), 40))
    assert list(itertools.islice(dataset.sample_order(5, 1, first, weights), 40 - first)) == whole[first:]


def test_weights_come_from_the_landmarks_of_the_pairs(tmp_path):
    folder = made.write_pairs(tmp_path, 6)
    pairs, sidecar = dataset.find_pairs(folder), read_sidecar(folder)
    points = np.array([sidecar.images[path.name].points for path in pairs])
    found = dataset.rarity_weights(pairs, replace(made.SMALL, rare=2.0), sidecar)
    np.testing.assert_allclose(found, rarity.rarity(points) ** 2)
    assert dataset.rarity_weights(pairs, replace(made.SMALL, rare=0.0), sidecar) is None
    assert dataset.rarity_weights(pairs, made.SMALL, None) is None


def targets_of(folder, chosen, first_step: int) -> list[np.ndarray]:
    """The photos of ten steps of a training of 100."""
    batches = dataset.training_batches(
        dataset.find_pairs(folder), chosen, first_step, 100, read_sidecar(folder)
    )
    return [target.numpy() for _, target in itertools.islice(batches, 10)]


def test_the_last_pictures_are_what_was_filmed(tmp_path):
    """None is warped at the end: by how much others are makes no difference there."""
    folder = made.write_pairs(tmp_path, 4)
    opts = replace(made.SMALL, jitter="redraw")
    weak, strong = (replace(opts, warp=warp) for warp in (0.5, 2.0))

    def differing(first_step: int) -> int:
        both = zip(targets_of(folder, weak, first_step), targets_of(folder, strong, first_step), strict=True)
        return sum(not np.array_equal(a, b) for a, b in both)

    assert differing(0) > 0
    assert differing(50) > 0
    assert differing(60) == differing(90) == 0


def test_rare_that_has_no_landmarks_is_told(tmp_path, capsys):
    folder = made.write_pairs(tmp_path, 2)
    pairs, sidecar = dataset.find_pairs(folder), read_sidecar(folder)
    for rare in (0.0, 1.5, 2.0):
        for known in (sidecar, Sidecar([])):
            training.resolve_jitter(replace(made.SMALL, rare=rare), pairs, known)
    assert capsys.readouterr().err.count("warning: --rare has no effect") == 1
