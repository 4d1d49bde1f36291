import csv
from dataclasses import astuple, replace
from pathlib import Path

import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

import reduce_model
from face2face import metrics, pictures
from face2face.cli import UserError
from pix2pix import checkpoints, dataset, images, inference, networks, options, training, validation
from tests import made

OPTS = replace(made.SMALL, ema=True, max_steps=20, val_freq=5, lr=0.004)


@pytest.fixture(scope="module")
def pairs(tmp_path_factory) -> Path:
    """train/ and, beside it, val/ of other faces."""
    folder = tmp_path_factory.mktemp("pairs")
    made.write_pairs(folder / "train", 4)
    made.write_pairs(folder / "val", 7)
    for i in range(1, 5):
        (folder / "val" / f"{i}.png").unlink()
    return folder


@pytest.fixture(scope="module")
def trained(pairs, tmp_path_factory) -> tuple[Path, str]:
    folder = tmp_path_factory.mktemp("trained")
    training.train(OPTS, pairs / "train", folder)
    return folder


def history(folder: Path) -> dict[int, list[float]]:
    """Step -> L1, PSNR, SSIM."""
    with (folder / "history.csv").open() as file:
        head, *rows = csv.reader(file)
    assert head == ["step", "l1", "psnr", "ssim"]
    return {int(step): [float(value) for value in values] for step, *values in rows}


def measured(folder: Path, pairs: Path, which: str) -> metrics.Measures:
    """By hand: what a folder's generator paints of the validation pairs."""
    generator = networks.generator_of(OPTS)
    checkpoints.restore_generator(generator, folder, which)
    paint = inference.uint8_predictor(generator)
    found = [dataset.read_pair(path, OPTS) for path in dataset.find_pairs(pairs / "val")]
    return metrics.mean([metrics.compare(paint(drawing), face) for drawing, face in found])


def best_step(folder: Path) -> int:
    (path,) = (folder / "best").glob("*.index")
    return int(path.stem.split("-")[1])


def test_the_val_beside_train_is_validated_on(trained, pairs):
    rows = history(trained)
    assert list(rows) == [5, 10, 15, 20]
    assert rows[20] == pytest.approx(astuple(measured(trained, pairs, checkpoints.LAST)))
    assert rows[20][2] > rows[5][2]  # it learns


def test_the_best_weights_are_kept(trained, pairs):
    rows = history(trained)
    best = max(rows, key=lambda step: rows[step][2])
    assert best_step(trained) == best
    assert rows[best] == pytest.approx(astuple(measured(trained, pairs, checkpoints.BEST)))


def test_validation_is_in_tensorboard(trained):
    events = EventAccumulator(str(trained), size_guidance={"tensors": 0}).Reload()
    for name in ("l1", "psnr", "ssim"):
        assert [event.step for event in events.Tensors(f"validation/{name}")] == [5, 10, 15, 20]


def test_validation_changes_nothing_in_training(trained, pairs, tmp_path):
    without = training.train(replace(OPTS, val_freq=0), pairs / "train", tmp_path)
    assert not (tmp_path / "history.csv").exists() and not (tmp_path / "best").exists()
    generator = networks.generator_of(OPTS)
    checkpoints.restore_generator(generator, trained)
    for a, b in zip(generator.weights, without.ema_generator.weights, strict=True):
        assert np.array_equal(a, b)


def test_a_training_in_two_parts_remembers_its_best(trained, pairs, tmp_path, capsys):
    """Stopped after the last step's validation, begun again from step 10: the same history and best."""
    for last in (10, 20):
        training.train(replace(OPTS, max_steps=last), pairs / "train", tmp_path)
    assert history(tmp_path) == history(trained)
    assert best_step(tmp_path) == best_step(trained)
    said = capsys.readouterr().out
    assert said.count(" (the best so far)") >= 1
    assert f"step 20, validation: {metrics.Measures(*history(tmp_path)[20])}" in said


class Judged(validation.Validation):
    """Whose generator is as good as told."""

    told = ()

    def measure(self) -> metrics.Measures:
        return metrics.Measures(1.0, 20.0, self.told[len(self.history)])


def test_patience_ends_a_training(pairs, tmp_path, monkeypatch, capsys):
    Judged.told = (0.1, 0.5, 0.4, 0.5, 0.9)
    monkeypatch.setattr(training, "Validation", Judged)
    opts = replace(OPTS, val_freq=1, patience=2, ema=False)
    trained = training.train(opts, pairs / "train", tmp_path)
    assert int(trained.step) == 4 and list(history(tmp_path)) == [1, 2, 3, 4]
    assert best_step(tmp_path) == 2
    assert "stopped at step 4: 2 validations without a better SSIM" in capsys.readouterr().out
    assert int(training.train(opts, pairs / "train", tmp_path).step) == 4  # it stays so
    assert made.edge(reduce_model.main, "--model-input", tmp_path, "--model-output", tmp_path / "r") == 0
    assert f"{tmp_path}/best/ckpt-2: " in capsys.readouterr().out
    arguments = ["--model-input", tmp_path, "--model-output", tmp_path / "r", "--which", "last"]
    assert made.edge(reduce_model.main, *arguments) == 0
    assert f"{tmp_path}/ckpt-4: " in capsys.readouterr().out


def test_the_best_begins_anew_with_other_pairs(pairs, tmp_path, monkeypatch, capsys):
    """The history stays, but nothing is compared with what was measured on the first pairs."""
    Judged.told = (0.9, 0.4, 0.6, 0.5, 0.5)
    monkeypatch.setattr(training, "Validation", Judged)
    opts = replace(OPTS, val_freq=1, ema=False)
    model = made.training_folder(tmp_path / "model", opts)
    first = sorted((pairs / "val").glob("*.png"))
    Judged(networks.generator_of(opts), first, opts, model, 0)(1)
    assert best_step(model) == 1
    others = made.write_pairs(tmp_path / "others", 3, seed=20)
    capsys.readouterr()
    for last, warnings in ((4, 1), (5, 0)):
        more = replace(opts, max_steps=last, patience=3)
        trained = training.train(more, pairs / "train", model, val_dir=others)
        assert int(trained.step) == last  # patience counts from the best on these pairs
        assert best_step(model) == 3
        told = (
            "warning: other validation pairs than up to step 1: history.csv keeps what was measured on those"
        )
        assert capsys.readouterr().err.count(told) == warnings
    assert [row[2] for row in history(model).values()] == list(Judged.told)


def validated(pairs: list[Path], folder: Path, first_step: int) -> validation.Validation:
    return validation.Validation(networks.generator_of(OPTS), pairs, OPTS, folder, first_step)


def test_the_same_pairs_are_known_by_their_pictures(pairs, tmp_path, capsys):
    """Whatever their names, their order and their folder are."""
    first = sorted((pairs / "val").glob("*.png"))
    validated(first, tmp_path, 0)(1)
    record = (tmp_path / "validation.json").read_bytes()
    (tmp_path / "renamed").mkdir()
    for i, path in enumerate(reversed(first)):
        pictures.write(tmp_path / f"renamed/{i}.png", pictures.read(path))
    validated(sorted((tmp_path / "renamed").glob("*.png")), tmp_path, 1)(2)
    assert (tmp_path / "validation.json").read_bytes() == record and not capsys.readouterr().err
    validated(first[1:], tmp_path, 2)(3)
    assert (tmp_path / "validation.json").read_bytes() != record


def test_a_history_of_an_older_version_goes_on(pairs, tmp_path, capsys):
    """It does not tell its pairs."""
    (tmp_path / "history.csv").write_text("step,l1,psnr,ssim\n1,0.0,inf,1.0\n")
    going_on = validated([pairs / "val" / "5.png"], tmp_path, 1)
    going_on(2)
    assert going_on.best_step() == 1 and not (tmp_path / "best").exists() and not capsys.readouterr().err


def test_a_training_that_goes_back_behind_its_new_pairs_has_a_best(pairs, tmp_path):
    """The pairs changed after step 30; a checkpoint of step 20 is resumed."""
    others = made.write_pairs(tmp_path / "others", 3, seed=20)
    for first_step, folder in ((0, pairs / "val"), (30, others), (20, others)):
        latest = validated(sorted(folder.glob("*.png")), tmp_path, first_step)
        latest(first_step + 5)
    assert latest.best_step() == best_step(tmp_path) == 25 and list(history(tmp_path)) == [5, 25]


def test_the_best_is_asked_for_where_there_is_none(tmp_path, capsys):
    folder = made.training_folder(tmp_path / "model", with_target=False)
    arguments = ["--model-input", folder, "--model-output", tmp_path / "r", "--which", "best"]
    assert made.edge(reduce_model.main, *arguments) == 2
    error = capsys.readouterr().err
    assert "expected a training with best weights, got one that was never validated" in error


def test_patience_needs_something_to_validate_on(pairs, tmp_path):
    with pytest.raises(UserError, match="--patience needs pairs to validate on"):
        training.train(replace(OPTS, patience=1), pairs / "val", tmp_path / "model")
    with pytest.raises(UserError, match="expected a folder as --val_dir, not found"):
        training.train(OPTS, pairs / "val", tmp_path / "model", val_dir=tmp_path / "nowhere")
    assert not (tmp_path / "model").exists()


def test_many_pairs_are_spread_evenly(tmp_path):
    paths = dataset.find_pairs(made.write_pairs(tmp_path / "val", 5))
    twice = [path for path in paths for _ in range(validation.MAX_PAIRS)]
    generator = networks.generator_of(made.SMALL)
    found = validation.Validation(generator, twice, made.SMALL, tmp_path, 0).pairs
    assert len(found) == validation.MAX_PAIRS
    faces = {images.denormalise(face).tobytes() for _, face in found}
    assert len(faces) == 5


@pytest.mark.parametrize(
    "content",
    [
        b"step,l1\n1,x\n",
        b"\xff\xfe\0",
        b"step,l1,psnr,ssim\n1,2,3\n",
        b"step,l1,psnr,ssim\n1,nan,3,0.5\n",
        b"step,l1,psnr,ssim\n1,2,3,inf\n",
        b"step,l1,psnr,ssim\n-1,2,3,0.5\n",
        b"step,l1,psnr,ssim\n1,2,3," + b"5" * 200_000 + b"\n",
        None,
    ],
)
def test_a_damaged_history_is_named(content, pairs, tmp_path, capsys):
    """It stays; a folder in its place, too."""
    options.write(tmp_path, OPTS, options.TRAINING)
    path = tmp_path / "history.csv"
    if content is None:
        path.mkdir()
    else:
        path.write_bytes(content)
    before = made.tree(tmp_path)
    with pytest.raises((UserError, IsADirectoryError), match=r"history\.csv") as raised:
        validation.Validation(networks.generator_of(OPTS), [pairs / "val" / "5.png"], OPTS, tmp_path, 0)
    assert "\n" not in str(raised.value) and made.tree(tmp_path) == before


@pytest.mark.parametrize("content", ['{"pairs": "0"', '{"pairs": "0", "since": 0}', "notes"])
def test_a_damaged_record_of_the_pairs_is_named(content, pairs, tmp_path):
    (tmp_path / "validation.json").write_text(content)
    before = made.tree(tmp_path)
    expected = "expected the trainer's record of its validation pairs, got .*validation.json"
    with pytest.raises(UserError, match=expected) as raised:
        validated([pairs / "val" / "5.png"], tmp_path, 0)
    assert "\n" not in str(raised.value) and made.tree(tmp_path) == before


def test_a_perfect_painting_can_be_resumed(tmp_path):
    """Its PSNR is infinite."""
    (tmp_path / "history.csv").write_text("step,l1,psnr,ssim\n1,0.0,inf,1.0\n")
    assert validation.is_ours(tmp_path / "history.csv")
