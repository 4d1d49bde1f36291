import itertools
from dataclasses import replace

import cv2
import numpy as np
import pytest

from face2face import pictures
from face2face.cli import UserError
from face2face.face.crop import CropBox
from face2face.face.drawing import draw
from face2face.target import sidecar
from face2face.target.sidecar import Entry
from pix2pix import augmentation, dataset, images
from pix2pix.batches import sample_order, training_batches
from tests import made

NO_JITTER = replace(made.SMALL, scale_size=64, flip=False)


@pytest.fixture(scope="module")
def pairs(tmp_path_factory):
    return dataset.find_pairs(made.write_pairs(tmp_path_factory.mktemp("pairs"), 5))


def generators(count: int):
    return (np.random.default_rng(seed) for seed in range(count))


def batches(pairs, opts, first_step: int, count: int, beside=None) -> list:
    found = training_batches(pairs, opts, first_step, beside)
    return [[half.numpy() for half in batch] for batch in itertools.islice(found, count)]


def is_same(ours: list, theirs: list) -> bool:
    halves = zip(itertools.chain(*ours), itertools.chain(*theirs), strict=True)
    return all(np.array_equal(a, b) for a, b in halves)


# --- the jitter -----------------------------------------------------------------------------------------


def test_both_halves_are_moved_alike():
    picture = made.noise(64, 64)
    for rng in generators(10):
        a, b = augmentation.jitter(picture, picture.copy(), made.SMALL, rng)
        assert np.array_equal(a, b)


def test_without_scale_and_flip_a_picture_is_unchanged():
    a, b = made.noise(64, 64, 1), made.noise(64, 64, 2)
    jittered = augmentation.jitter(a, b, NO_JITTER, np.random.default_rng(0))
    assert np.array_equal(jittered[0], a) and np.array_equal(jittered[1], b)


def test_half_of_the_pictures_are_mirrored():
    picture = made.noise(64, 64)
    opts = replace(NO_JITTER, flip=True)
    jittered = [augmentation.jitter(picture, picture, opts, rng)[0] for rng in generators(100)]
    mirrored = sum(np.array_equal(one, picture[:, ::-1]) for one in jittered)
    assert 30 < mirrored < 70
    assert mirrored + sum(np.array_equal(one, picture) for one in jittered) == 100


def test_no_flip_never_mirrors():
    """A ramp that brightens to the right does so in each crop."""
    ramp = np.broadcast_to(np.arange(0, 256, 4, np.uint8)[None, :, None], (64, 64, 3)).copy()
    opts = replace(made.SMALL, flip=False)
    for rng in generators(30):
        crop = augmentation.jitter(ramp, ramp, opts, rng)[0].astype(int)
        assert crop[32, 50, 0] > crop[32, 10, 0]


def test_crops_lie_within_the_scaled_picture_and_reach_all_of_it():
    """Each pixel tells its place: the corners' places show where a crop was taken."""
    x, y = np.meshgrid(np.arange(64) * 3, np.arange(64) * 3)
    places = np.stack([x, y, np.full_like(x, 100)], axis=-1).astype(np.uint8)
    opts = replace(made.SMALL, flip=False)
    corners = set()
    for rng in generators(200):
        crop = augmentation.jitter(places, places, opts, rng)[0].astype(float)
        assert crop.shape == (64, 64, 3)
        # from levels to places in the scaled picture
        left, top = (crop[32, 32, :2] / 3 + 0.5) * 72 / 64 - 0.5 - 32
        corners.add((round(left), round(top)))
    assert {left for left, _ in corners} == {top for _, top in corners} == set(range(9))


def test_the_scale_is_that_of_the_options():
    """A line of 32 pixels grows to 32 * 72 / 64 = 36."""
    picture = np.zeros((64, 64, 3), np.uint8)
    picture[16:48, 16:48] = 255
    crop = augmentation.jitter(picture, picture, made.SMALL, np.random.default_rng(0))[0]
    assert crop[32, :, 0].astype(float).sum() / 255 == pytest.approx(36, abs=0.5)


# --- the redrawn jitter ---------------------------------------------------------------------------------


def test_a_redrawn_face_and_its_picture_move_together():
    """The picture is the drawing itself: moved, it still covers what is drawn anew."""
    opts = replace(made.SMALL, image_size=256, scale_size=286)
    points = made.points(256)
    picture = draw(points, 256)
    for rng in generators(6):
        drawing, moved = augmentation.redraw(Entry(0, 0, points), picture, opts, rng)
        grown = cv2.dilate(moved, np.ones((5, 5)))
        assert (grown[drawing > 128] > 64).mean() > 0.97
        still = cv2.dilate(picture, np.ones((5, 5)))
        assert (still[drawing > 128] > 64).mean() < 0.97


def test_a_redrawn_face_keeps_the_width_of_its_lines():
    """At another size of the pair than model space's, too: it is drawn, not resized."""
    opts = replace(made.SMALL, flip=False)
    points = made.points(128)
    drawing, picture = augmentation.redraw(
        Entry(0, 0, points), draw(points, 128), opts, np.random.default_rng(0)
    )
    assert drawing.shape == picture.shape == (64, 64, 3)
    assert drawing.mean() == pytest.approx(draw(made.points(64), 64).mean(), rel=0.1)


def test_redrawn_points_stay_within_their_bounds():
    """Of shift, zoom and noise: no point moves farther than they allow together."""
    opts = replace(made.SMALL, image_size=256, scale_size=286, flip=False)
    points = made.points(256)
    reach = augmentation.REDRAW_SHIFT * 256 * np.sqrt(2) + 150 * (
        augmentation.REDRAW_ZOOM + augmentation.REDRAW_ROLL
    )
    near = np.ones((2 * round(reach) + 5,) * 2)
    allowed = cv2.dilate(draw(points, 256), near)
    for rng in generators(10):
        drawing, _ = augmentation.redraw(Entry(0, 0, points), draw(points, 256), opts, rng)
        assert (allowed[drawing > 128] > 0).all()


# --- pairs that are larger than model space -------------------------------------------------------------


@pytest.mark.parametrize("warp", [0.0, 1.0])
def test_a_large_redrawn_pair_is_first_averaged_as_in_validation(warp):
    """To the bit: moved, it is the pair of model space's size that `squeeze` makes of it."""
    opts = replace(made.SMALL, drawing="colour", warp=warp, flip=True)
    picture = made.noise(128, 128)
    points, irises = made.points(128), np.array([[47, 53], [81, 53]], np.float32)
    large = Entry(0, 0, points, irises=irises)
    small = large.in_crop_box(CropBox(0, 0, 128), 64)
    for ours, theirs in zip(generators(6), generators(6), strict=True):
        averaged = augmentation.redraw(small, images.squeeze(picture, 64), opts, theirs)
        assert is_same([augmentation.redraw(large, picture, opts, ours)], [averaged])


def test_a_large_cropped_pair_is_first_averaged_as_in_validation():
    """Each side that is larger than what is cropped from."""
    opts = replace(made.SMALL, flip=True)
    for height, width in ((144, 144), (144, 100), (144, 60)):
        picture = made.noise(height, width)
        averaged = cv2.resize(picture, (min(width, 72), 72), interpolation=cv2.INTER_AREA)
        for ours, theirs in zip(generators(4), generators(4), strict=True):
            moved = augmentation.jitter(picture, picture, opts, ours)
            assert is_same([moved], [augmentation.jitter(averaged, averaged, opts, theirs)])


def test_a_pair_of_model_spaces_size_is_interpolated_once(monkeypatch):
    """Where nothing moves it, each of its pixels stays as it is, and its drawing."""
    for name in ("SHIFT", "ZOOM", "ROLL", "NOISE"):
        monkeypatch.setattr(augmentation, f"REDRAW_{name}", 0.0)
    opts = replace(made.SMALL, drawing="colour", warp=0.0)
    picture, points = made.noise(64, 64), made.points(64)
    for rng in generators(2):
        drawing, moved = augmentation.redraw(Entry(0, 0, points), picture, opts, rng)
        assert np.array_equal(moved, picture) and np.array_equal(drawing, draw(points, 64, "colour"))


# --- order ----------------------------------------------------------------------------------------------


def test_each_epoch_goes_through_all_pairs_in_another_order():
    order = [index for _, index in itertools.islice(sample_order(50, seed=1, first=0), 150)]
    epochs = [order[:50], order[50:100], order[100:]]
    assert all(sorted(epoch) == list(range(50)) for epoch in epochs)
    assert epochs[0] != epochs[1] != epochs[2] != epochs[0]


@pytest.mark.parametrize("first", [3, 7, 10, 25])
def test_from_a_later_place_the_same_sequence_comes(first):
    whole = list(itertools.islice(sample_order(7, seed=1, first=0), 40))
    assert [number for number, _ in whole] == list(range(40))
    assert list(itertools.islice(sample_order(7, seed=1, first=first), 40 - first)) == whole[first:]


def test_another_seed_gives_another_order():
    a, b = (list(itertools.islice(sample_order(50, seed, 0), 50)) for seed in (1, 2))
    assert a != b


# --- files ----------------------------------------------------------------------------------------------


def test_which_direction_says_which_half_is_read(tmp_path):
    left, right = made.noise(8, 8, 1), made.noise(8, 8, 2)
    path = tmp_path / "1.png"
    pictures.write(path, np.concatenate([left, right], axis=1))
    a_to_b = dataset.read_pair(path, replace(made.SMALL, which_direction="AtoB"))
    b_to_a = dataset.read_pair(path, replace(made.SMALL, which_direction="BtoA"))
    assert np.array_equal(a_to_b, [left, right])
    assert np.array_equal(b_to_a, [right, left])


def test_files_that_are_no_pairs_are_named_and_left_out(tmp_path, capsys):
    made.write_pairs(tmp_path, 2)
    (tmp_path / "broken.png").write_text("not an image")
    pictures.write(tmp_path / "odd.png", made.noise(64, 100))
    assert [path.name for path in dataset.find_pairs(tmp_path)] == ["1.png", "2.png"]
    broken, odd = capsys.readouterr().err.splitlines()
    assert broken.startswith("warning: left out: expected an image") and "broken.png" in broken
    expected = "a pair, twice as wide as high (--aspect_ratio squeezes others), got 100x64"
    assert odd.startswith(f"warning: left out: expected {expected}: ")


def test_a_folder_without_pairs_is_an_error(tmp_path):
    with pytest.raises(UserError, match=r"expected combined pairs .*, got none in"):
        dataset.find_pairs(tmp_path)
    with pytest.raises(UserError, match="expected a folder as --input_dir, not found"):
        dataset.find_pairs(tmp_path / "nowhere")


def test_single_pictures_of_any_shape_are_found(tmp_path):
    pictures.write(tmp_path / "odd.png", made.noise(64, 100))
    assert [path.name for path in dataset.find_pictures(tmp_path)] == ["odd.png"]


# --- batches --------------------------------------------------------------------------------------------


def test_shape_and_range_of_a_batch(pairs):
    ((inputs, targets),) = batches(pairs, replace(made.SMALL, batch_size=3), 0, 1)
    for half in (inputs, targets):
        assert half.shape == (3, 64, 64, 3) and half.dtype == np.float32
        assert -1 <= half.min() < -0.5 and half.max() <= 1
    assert inputs.max() == 1  # a drawing's white line


def test_batches_hold_the_pairs_in_their_order(pairs):
    opts = replace(NO_JITTER, batch_size=2)
    order = [index for _, index in itertools.islice(sample_order(5, opts.seed, 0), 10)]
    found = np.concatenate([targets for _, targets in batches(pairs, opts, 0, 5)])
    for index, target in zip(order, found, strict=True):
        assert np.array_equal(images.denormalise(target), dataset.read_pair(pairs[index], opts)[1])


def test_batches_from_a_later_step_are_what_would_have_come(pairs):
    opts = replace(made.SMALL, batch_size=2)
    whole = batches(pairs, opts, 0, 8)
    assert is_same(batches(pairs, opts, 3, 5), whole[3:])
    assert not is_same(batches(pairs, replace(opts, seed=2), 3, 5), whole[3:])


def test_a_pair_is_jittered_anew_in_each_epoch(pairs):
    a, b = batches(pairs[:1], replace(made.SMALL, flip=False), 0, 2)
    assert not is_same([a], [b])


def test_redrawn_batches_come_from_the_sidecar(pairs):
    opts = replace(made.SMALL, jitter="redraw")
    beside = sidecar.read_sidecar(pairs[0].parent)
    found = batches(pairs, opts, 0, 3, beside)
    assert is_same(found, batches(pairs, opts, 0, 3, beside))
    assert not is_same(found, batches(pairs, made.SMALL, 0, 3))


def test_the_other_way_round_the_same_drawing_is_what_is_painted(pairs):
    opts, beside = replace(made.SMALL, jitter="redraw"), sidecar.read_sidecar(pairs[0].parent)
    (drawing, photo), *_ = batches(pairs, opts, 0, 1, beside)
    (inputs, targets), *_ = batches(pairs, replace(opts, which_direction="BtoA"), 0, 1, beside)
    assert is_same([(inputs, targets)], [(photo, drawing)])
