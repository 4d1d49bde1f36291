"""A target whose gaze is unknown: its drawings have no irises, live and wherever its generator reads them."""

import itertools
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

import freeze_model
import reduce_model
from face2face import pictures
from face2face.face.irises import irises_of
from face2face.target.gaze import MIN_GAZES
from face2face.target.pairs import pair
from face2face.target.sidecar import Entry, Sidecar, Video, read_sidecar
from face2face.target.target_file import Target, read_target
from pix2pix import checkpoints, dataset, options, pix2pix, training
from pix2pix.batches import training_batches
from pix2pix.options import Options
from tests import made

SIZE = 64
OPTS = replace(made.SMALL, drawing="colour", max_steps=2, val_freq=1)
COUNT = MIN_GAZES + 2


def face(size: int, seed: int = 0) -> np.ndarray:
    """The points of a face, as exact as a sidecar keeps them."""
    return np.round(made.points(size, seed), 3)


def write_pairs(folder: Path, known: int = COUNT, has_irises: bool = True, count: int = COUNT) -> Path:
    """Pairs in which the left iris is always found, the right one in so many; or the same without irises."""
    entries = {}
    for i in range(count):
        points = face(SIZE, i)
        irises = irises_of(points, np.array([[0.1, 0.0], [0.1, 0.0]])).astype(np.float32)
        if i >= known:
            irises[1] = np.nan
        entry = Entry(0, i, points, irises=irises if has_irises else None)
        halves = entry.draw(SIZE, "colour"), made.face(points, SIZE)
        pictures.write(folder / f"{i + 1}.png", np.concatenate(halves, axis=1))
        entries[f"{i + 1}.png"] = entry
    Sidecar([Video("made.mp4", (SIZE, SIZE), 25.0, (0, 0, SIZE))], entries, "colour").write(folder)
    return folder


def drawings(folder: Path, opts: Options) -> np.ndarray:
    """The drawings of a training's first batches, float32 (N, S, S, 3)."""
    sidecar = read_sidecar(folder)
    to_draw = dataset.landmarks_to_draw(sidecar, Target.measure(sidecar, SIZE), opts)
    batches = training_batches(dataset.find_pairs(folder), opts, 0, to_draw)
    return np.concatenate([inputs.numpy() for inputs, _ in itertools.islice(batches, 8)])


@pytest.mark.parametrize("jitter", [options.CROP, options.REDRAW])
@pytest.mark.parametrize("known, are_drawn", [(MIN_GAZES - 1, False), (MIN_GAZES, True)])
def test_a_training_draws_irises_where_live_drawings_have_some(known, are_drawn, jitter, tmp_path):
    opts = replace(OPTS, jitter=jitter)
    folder = write_pairs(tmp_path / "with", known)
    target = Target.measure(read_sidecar(folder), SIZE)
    without = replace(target, face=replace(target.face, gaze=None))
    live = [each.draw(target.face.neutral) for each in (target, without)]
    assert np.array_equal(*live) != are_drawn
    plain = drawings(write_pairs(tmp_path / "without", has_irises=False), opts)
    assert np.array_equal(drawings(folder, opts), plain) != are_drawn


def test_a_training_on_few_gazes_is_one_without_irises(tmp_path):
    """Its batches, which are known of both kinds of jitter above, and its validation; to the bit."""
    for name, has_irises in (("with", True), ("without", False)):
        folder = tmp_path / name
        write_pairs(folder / "train", 5, has_irises, 5)
        write_pairs(folder / "val", 3, has_irises, 3)
        training.train(OPTS, folder / "train", folder / "model")
    histories = [(tmp_path / name / "model/history.csv").read_text() for name in ("with", "without")]
    assert histories[0] == histories[1]
    readers = [tf.train.load_checkpoint(str(tmp_path / name / "model")) for name in ("with", "without")]
    kernels = [
        reader.get_tensor("generator/decoder_1_conv/kernel/.ATTRIBUTES/VARIABLE_VALUE") for reader in readers
    ]
    assert np.array_equal(*kernels)


def test_a_generator_of_drawings_keeps_their_irises(tmp_path):
    """From photos to drawings, and from elsewhere: no live drawing is read."""
    folder = write_pairs(tmp_path, 5, count=5)
    sidecar = read_sidecar(folder)
    target = Target.measure(sidecar, SIZE)
    for known, opts in ((target, replace(OPTS, which_direction="BtoA")), (None, OPTS)):
        cropped, redrawn = (
            dataset.landmarks_to_draw(sidecar, known, replace(opts, jitter=jitter))
            for jitter in (options.CROP, options.REDRAW)
        )
        assert not cropped.images and redrawn == sidecar
        assert not dataset.landmarks_without_irises(folder, known, opts).images


def test_pairs_of_whole_frames_are_drawn_as_they_were(tmp_path):
    """Not square: no face is measured on them, and live drawings have no irises."""
    frame, points = made.noise(60, 90), face(60)
    irises = irises_of(points, np.zeros((2, 2))).astype(np.float32)
    entry = Entry(0, 0, points, irises=irises)
    plain = pair(frame, replace(entry, irises=None), None, "colour")[1]
    drawing = pair(frame, entry, None, "colour")[1]
    assert not np.array_equal(drawing, plain)
    pictures.write(tmp_path / "1.png", np.concatenate([drawing, frame], axis=1))
    Sidecar([Video("made.mp4", (90, 60), 25.0, None)], {"1.png": entry}, "colour").write(tmp_path)
    opts = replace(OPTS, aspect_ratio=1.5)
    target = Target.measure(read_sidecar(tmp_path), SIZE, with_face=False)
    to_draw = dataset.landmarks_without_irises(tmp_path, target, opts)
    inputs, targets = dataset.read_pair(tmp_path / "1.png", opts, to_draw)
    assert np.array_equal(inputs, plain) and np.array_equal(targets, frame)


@pytest.fixture(scope="module")
def both(tmp_path_factory) -> tuple[Path, Path]:
    """The same pairs with irises and without."""
    folder = tmp_path_factory.mktemp("both")
    return write_pairs(folder / "with", 5, True, 5), write_pairs(folder / "without", 5, False, 5)


@pytest.fixture(scope="module")
def model(both, tmp_path_factory) -> Path:
    """A training folder of a target whose gaze is unknown."""
    folder = made.training_folder(tmp_path_factory.mktemp("models") / "model", OPTS, with_target=False)
    Target.measure(read_sidecar(both[0]), SIZE).write(folder)
    return folder


def test_a_report_shows_drawings_without_irises(both, model, tmp_path):
    arguments = ("--mode", "test", "--checkpoint", model, "--input_dir", both[0], "--output_dir", tmp_path)
    assert made.edge(pix2pix.main, *arguments) == 0
    for i in range(1, 6):
        shown = pictures.read(tmp_path / f"images/{i}-inputs.png")
        assert np.array_equal(shown, pictures.read(both[1] / f"{i}.png")[:, :SIZE])


def test_a_quantised_model_is_calibrated_without_irises(both, model):
    target = read_target(model)
    found, plain = (freeze_model._drawings(folder, target, OPTS) for folder in both)
    assert np.array_equal(found, plain)


def test_a_student_is_taught_without_irises(both, model, tmp_path, capsys):
    kernels, said = [], []
    for folder in both:
        output = tmp_path / folder.name
        arguments = ("--model-input", model, "--model-output", output, "--student", 2, "--pairs", folder)
        assert made.edge(reduce_model.main, *arguments, "--max_steps", 2) == 0
        student = made.generator(SIZE, 2, folded=True)
        checkpoints.restore_generator(student, output)
        kernels.append(student.get_layer("decoder_1_conv").kernel.numpy())
        said.append([line for line in capsys.readouterr().out.splitlines() if line.startswith("the student")])
    assert np.array_equal(*kernels)
    assert said[0] and said[0] == said[1]  # how like its teacher it is, on drawings that were held out
