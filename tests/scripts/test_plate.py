"""The plate: what holds still before the target's camera, and that nothing that moves is in it."""

import re
import shutil
from dataclasses import replace

import cv2
import numpy as np
import pytest

import freeze_model
import reduce_model
from face2face import pictures
from face2face.cli import UserError
from face2face.face.drawing import draw
from face2face.generator.generator import Generator
from face2face.target.plate import PLATE_NAME, Plate, read_plate, write_plate
from face2face.target.retarget import Retargeter
from face2face.target.sidecar import Entry, Sidecar, Video
from face2face.target.statistics import TargetFace
from face2face.target.target_file import Target
from pix2pix import dataset, plate_of_pairs, training
from tests import made

SIZE, COUNT = 64, 60
NOISE = 3
"""Of the made camera: the largest difference of a pixel from frame to frame, of 255."""


def scene(seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A head that moves before a wall: photos, landmarks, and the wall alone."""
    wall = made.noise(SIZE, SIZE, seed)
    points = np.array([made.points(SIZE, number) for number in range(COUNT)])
    photos = np.repeat(wall[None], COUNT, axis=0)
    for number, (photo, at) in enumerate(zip(photos, points, strict=True)):
        cv2.fillConvexPoly(photo, cv2.convexHull(np.rint(at).astype(np.int32)), (220, 170, 140 - number % 9))
    return noisy(photos), points, wall


def noisy(photos: np.ndarray) -> np.ndarray:
    noise = np.random.default_rng(1).integers(-NOISE, NOISE, photos.shape, endpoint=True)
    return np.clip(photos + noise, 0, 255).astype(np.uint8)


def measured(photos: np.ndarray, points: np.ndarray) -> Plate | None:
    return Plate.measure(photos, points, TargetFace.measure(points))


@pytest.fixture(scope="module")
def plate() -> Plate:
    found = measured(*scene()[:2])
    assert found is not None
    return found


# --- what is in it --------------------------------------------------------------------------------------


def test_a_still_background_is_reproduced(plate):
    """Within half of the camera's noise: the median of many frames has less of it than each."""
    wall, held = scene()[2].astype(int), plate.mask == 255
    assert 0.1 < held.mean() < plate.share < 0.5
    assert np.abs(plate.picture - wall)[held].max() <= 1 + NOISE // 2
    painted = made.noise(SIZE, SIZE, 9)
    composed = plate.compose(painted)
    assert np.array_equal(composed[held], plate.picture[held])
    assert np.array_equal(composed[plate.mask == 0], painted[plate.mask == 0])


def test_the_head_is_not_in_it_in_any_frame(plate):
    """From the chin to the top of the head, which is as far above the eyes as the chin is below."""
    for at in scene()[1]:
        head = np.zeros((SIZE, SIZE), np.uint8)
        middle = (at[0] + at[16]) / 2
        upside_down = 2 * middle - at[:17]
        hull = cv2.convexHull(np.concatenate([at, upside_down]).astype(np.float32))
        cv2.fillConvexPoly(head, np.rint(hull).astype(np.int32), 1)
        assert plate.mask[head > 0].max() == 0


@pytest.mark.parametrize("way", [(1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (-1, -1), (1, -1), (-1, 1)])
def test_a_driver_who_moves_far_does_not_move_the_head_into_it(plate, way):
    points = scene()[1]
    driver = made.points(SIZE, 3)
    retargeter = Retargeter(TargetFace.measure(points))
    retargeter.set_driver(driver)
    moved = retargeter(driver + np.array(way) * 0.7 * SIZE)
    assert np.abs(moved - TargetFace.measure(points).neutral).max() > 2
    face = np.zeros((SIZE, SIZE), np.uint8)
    cv2.fillConvexPoly(face, cv2.convexHull(np.rint(moved).astype(np.int32)), 1)
    assert plate.mask[face > 0].max() == 0


def test_it_fades_into_what_is_painted(plate):
    """No edge: the mask changes by less than half of it from pixel to pixel."""
    mask = plate.mask.astype(int)
    steps = np.concatenate([np.abs(np.diff(mask, axis=0)).ravel(), np.abs(np.diff(mask, axis=1)).ravel()])
    assert 0 < steps.max() < 160 and set(np.unique(mask)) > {0, 255}


def test_what_moves_beside_the_head_is_not_in_it(plate):
    """A hand that is in one frame of ten."""
    photos, points, _ = scene()
    assert plate.mask[52:60, 2:10].min() == 255
    photos[::10, 50:62, 0:12] = (90, 20, 200)
    with_hand = measured(photos, points)
    assert with_hand.mask[50:62, 0:12].max() == 0 < with_hand.share < plate.share


def test_one_damaged_frame_changes_nothing(plate):
    photos, points, _ = scene()
    photos[7] = 255 - photos[7]
    assert np.array_equal(measured(photos, points).mask, plate.mask)


def test_a_moving_camera_has_no_plate():
    photos, points, wall = scene()
    for number, photo in enumerate(photos):
        photo[:] = np.roll(wall, (number * 5, number * 3), axis=(0, 1))
    assert measured(photos, points) is None


def test_a_changing_exposure_has_no_plate():
    photos, points, _ = scene()
    gains = np.linspace(0.7, 1.3, COUNT)[:, None, None, None]
    assert measured(np.clip(photos * gains, 0, 255).astype(np.uint8), points) is None


def test_few_photos_tell_nothing():
    photos, points, _ = scene()
    assert measured(photos[:19], points[:19]) is None
    assert measured(photos[:20], points[:20]) is not None


# --- its file -------------------------------------------------------------------------------------------


def test_what_is_written_is_read(plate, tmp_path):
    write_plate(tmp_path, plate)
    found = read_plate(tmp_path, SIZE)
    assert np.array_equal(found.picture, plate.picture) and np.array_equal(found.mask, plate.mask)
    write_plate(tmp_path, None)
    assert read_plate(tmp_path, SIZE) is None and not list(tmp_path.iterdir())


def test_another_picture_stays(plate, tmp_path):
    cv2.imwrite(str(tmp_path / PLATE_NAME), made.noise(8, 8))
    before = made.tree(tmp_path)
    write_plate(tmp_path, None)
    with pytest.raises(UserError, match="expected a new file, or an older one of this kind to replace"):
        write_plate(tmp_path, plate)
    assert made.tree(tmp_path) == before


def test_a_plate_of_another_size_is_named(plate, tmp_path):
    write_plate(tmp_path, plate)
    with pytest.raises(UserError, match=r"of 256x128 pixels, got 128x64: .*plate\.png"):
        read_plate(tmp_path, 128)


# --- from training to the frozen graph ------------------------------------------------------------------


@pytest.fixture(scope="module")
def pairs(tmp_path_factory):
    """A folder of pairs whose photos are the scene's."""
    folder = tmp_path_factory.mktemp("pairs")
    photos, points, _ = scene()
    entries = {}
    for number, (photo, at) in enumerate(zip(photos, points, strict=True)):
        name = f"{number + 1}.png"
        pictures.write(folder / name, np.concatenate([draw(at, SIZE), photo], axis=1))
        entries[name] = Entry(0, number, at)
    Sidecar([Video("made.mp4", (SIZE, SIZE), 25.0, (0, 0, SIZE))], entries).write(folder)
    return folder


@pytest.fixture(scope="module")
def models(pairs, tmp_path_factory):
    """A training on them, reduced: both folders."""
    trained = tmp_path_factory.mktemp("plate") / "model"
    training.train(replace(made.SMALL, max_steps=1), pairs, trained)
    reduced = trained.with_name("reduced")
    assert made.edge(reduce_model.main, "--model-input", trained, "--model-output", reduced) == 0
    return trained, reduced


def test_training_measures_it_and_reducing_copies_it(models, plate):
    for folder in models:
        found = read_plate(folder, SIZE)
        assert np.array_equal(found.picture, plate.picture) and np.array_equal(found.mask, plate.mask)


@pytest.mark.parametrize(
    "other",
    [{"flip": True}, {"which_direction": "BtoA"}, {"lab_colorization": True}],
    ids=str,
)
def test_where_it_cannot_be_told_there_is_none(pairs, other):
    paths, (_, points, _) = sorted(pairs.glob("*.png")), scene()
    sidecar = Sidecar([], {f"{i + 1}.png": Entry(0, i, at) for i, at in enumerate(points)})
    target = Target.measure(sidecar, SIZE)
    assert plate_of_pairs.measure(paths, sidecar, target, made.SMALL) is not None
    assert plate_of_pairs.measure(paths, sidecar, target, replace(made.SMALL, **other)) is None
    assert plate_of_pairs.measure(paths, sidecar, replace(target, face=None), made.SMALL) is None
    assert plate_of_pairs.measure(paths, sidecar, None, made.SMALL) is None


def test_of_larger_pairs_the_same_holds_still(pairs):
    paths, (_, points, _) = sorted(pairs.glob("*.png")), scene()
    sidecar = Sidecar([], {f"{i + 1}.png": Entry(0, i, at) for i, at in enumerate(points)})
    whole, half = (
        plate_of_pairs.measure(paths, known, Target.measure(known, opts.image_size), opts)
        for opts in (made.SMALL, replace(made.SMALL, image_size=SIZE // 2))
        for known in [dataset.in_model_space(sidecar, paths, opts)]
    )
    assert half.mask.shape == (SIZE // 2, SIZE // 2) and abs(half.share - whole.share) < 0.1


def test_a_training_without_one_removes_the_older_one_of_its_reduced_model(models, tmp_path):
    trained, reduced = (shutil.copytree(folder, tmp_path / folder.name) for folder in models)
    (trained / PLATE_NAME).unlink()
    assert made.edge(reduce_model.main, "--model-input", trained, "--model-output", reduced) == 0
    assert not (reduced / PLATE_NAME).exists()


def frozen(folder, capsys, *arguments) -> tuple:
    """Freezes a copy of a reduced model; returns the graph's path and what was said."""
    capsys.readouterr()
    assert made.edge(freeze_model.main, "--model-folder", folder, *arguments) == 0
    return folder / "frozen_model.pb", capsys.readouterr().out


def test_every_engine_shows_it(models, plate, tmp_path, capsys):
    folder = shutil.copytree(models[1], tmp_path / "reduced")
    path, said = frozen(folder, capsys)
    assert f"\n{100 * plate.share:.0f} % of the picture holds still and is not painted\n" in said
    assert re.search(r"between the reduced and the frozen model: [01] of 255", said)
    whole, said = frozen(shutil.copytree(models[1], tmp_path / "whole"), capsys, "--no-plate")
    assert "holds still" not in said
    assert path.stat().st_size - whole.stat().st_size < 4 * SIZE**2 + 4000
    exact, openvino, painted = Generator(path, "tensorflow"), Generator(path, "openvino"), Generator(whole)
    held = plate.mask == 255
    for number in range(3):
        drawing = draw(made.points(SIZE, number), SIZE)
        face = exact(drawing).astype(int)
        assert np.array_equal(face[held], plate.picture[held])
        assert np.abs(face - openvino(drawing)).max() <= 1
        assert np.abs(face - plate.compose(painted(drawing))).max() <= 1
        assert np.abs(face - painted(drawing))[held].max() > 20


def test_an_int8_graph_shows_it_exactly(models, plate, tmp_path, capsys):
    pytest.importorskip("nncf", reason="needs nncf (requirements-int8.txt)")
    folder = shutil.copytree(models[1], tmp_path / "reduced")
    pairs = made.write_pairs(tmp_path / "pairs", 4)
    path, _ = frozen(folder, capsys, "--int8", "--calibration", pairs)
    int8 = Generator(folder / "frozen_model_int8.xml")
    drawing, held = draw(made.points(SIZE, 5), SIZE), plate.mask == 255
    assert np.array_equal(int8(drawing)[held], plate.picture[held])
    assert np.abs(int8(drawing).astype(int) - Generator(path)(drawing)).mean() < 1


def test_half_precision_keeps_it_exact(models, plate, tmp_path, capsys):
    path, _ = frozen(shutil.copytree(models[1], tmp_path / "reduced"), capsys, "--half")
    face, held = Generator(path)(draw(made.points(SIZE), SIZE)), plate.mask == 255
    assert np.array_equal(face[held], plate.picture[held])


def test_a_damaged_plate_is_named_and_nothing_is_written(models, tmp_path, capsys):
    folder = shutil.copytree(models[1], tmp_path / "reduced")
    (folder / PLATE_NAME).write_bytes(b"notes")
    before = made.tree(folder)
    assert made.edge(freeze_model.main, "--model-folder", folder) == 2
    assert "cannot be decoded" in (error := capsys.readouterr().err) and str(folder / PLATE_NAME) in error
    assert made.tree(folder) == before
