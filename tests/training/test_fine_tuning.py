"""A training that begins with the weights of another one (`--mode train --checkpoint`)."""

import contextlib
import csv
import io
import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from face2face.cli import UserError
from face2face.target import sidecar
from face2face.target.target_file import read_target
from pix2pix import options, pix2pix, training
from tests import made

FIRST = replace(made.SMALL, max_steps=12, ema=True, val_freq=3)
SAME = ("--seed", 1, "--lr_decay", 0)
"""With these, two fine-tunings of the same length are the same, also where one was stopped."""


@pytest.fixture(scope="module")
def pairs(tmp_path_factory) -> Path:
    return made.write_pairs(tmp_path_factory.mktemp("pairs") / "train", 3)


@pytest.fixture(scope="module")
def finished(pairs, tmp_path_factory) -> Path:
    """A training that is done, and was validated."""
    folder = tmp_path_factory.mktemp("finished")
    training.train(FIRST, pairs, folder, val_dir=pairs)
    return folder


def variables(folder: Path, part: str) -> dict[str, np.ndarray]:
    """The variables of a part of a folder's newest checkpoint."""
    reader = tf.train.load_checkpoint(str(folder))
    names = [name for name in reader.get_variable_to_shape_map() if name.startswith(f"{part}/")]
    return {name: reader.get_tensor(name) for name in names}


def same(a: Path, b: Path, part: str) -> bool:
    first, second = variables(a, part), variables(b, part)
    assert first and first.keys() == second.keys()
    return all(np.array_equal(first[name], second[name]) for name in first)


def step(folder: Path) -> int:
    return int(tf.train.load_variable(str(folder), "step/.ATTRIBUTES/VARIABLE_VALUE"))


def command(pairs: Path, start_from: Path, output: Path, *arguments) -> list:
    return [
        *(pix2pix.main, "--mode", "train", "--checkpoint", start_from, "--input_dir", pairs),
        *("--output_dir", output, "--precision", "float32", *arguments),
    ]


@pytest.fixture(scope="module")
def tuned(pairs, finished, tmp_path_factory) -> tuple[Path, str]:
    """The folder of a fine-tuning by two epochs of three steps, and what it said."""
    folder, before = tmp_path_factory.mktemp("tuned") / "model", made.tree(finished)
    with contextlib.redirect_stdout(io.StringIO()) as said:
        validated = ("--val_dir", pairs, "--val_freq", 3)
        assert made.edge(*command(pairs, finished, folder, "--max_epochs", 2, *SAME, *validated)) == 0
    assert made.tree(finished) == before
    return folder, said.getvalue()


def test_a_finished_training_is_trained_for_so_many_more_steps(finished, tuned):
    folder, said = tuned
    assert f"fine-tuning the weights of {finished}/ckpt-12: steps, moving average and best weights" in said
    assert "3 pairs, 3 steps per epoch, 6 steps" in said and "trained to the end" not in said
    assert step(folder) == 6 and (folder / "ckpt-6.index").is_file()
    assert not same(finished, folder, "generator")


def test_validation_and_the_best_weights_begin_anew(tuned):
    folder, _ = tuned
    with (folder / "history.csv").open(newline="") as file:
        assert [int(row["step"]) for row in csv.DictReader(file)] == [3, 6]
    assert tf.train.latest_checkpoint(str(folder / "best")) in {
        str(folder / f"best/ckpt-{number}") for number in (3, 6)
    }


def test_a_stopped_fine_tuning_goes_on_to_the_bit(pairs, finished, tuned, tmp_path, capsys):
    """By steps as by epochs."""
    for last in (2, 6):
        assert made.edge(*command(pairs, finished, tmp_path / "parts", "--max_steps", last, *SAME)) == 0
    assert f"going on from {tmp_path}/parts/ckpt-2" in capsys.readouterr().out
    for part in ("generator", "discriminator", "average", "generator_optimizer"):
        assert same(tuned[0], tmp_path / "parts", part)


def test_the_networks_and_moments_are_those_of_the_checkpoint(pairs, finished, tmp_path, capsys):
    """Without --ngf, and with a preset of other networks; and to the bit where nothing is learned."""
    more = ("--preset", "quality", "--max_steps", 1, "--lr", 0)
    assert made.edge(*command(pairs, finished, tmp_path / "tuned", *more)) == 0
    opts = options.read(tmp_path / "tuned", options.TRAINING)
    assert (opts.ngf, opts.ndf, opts.image_size) == (FIRST.ngf, FIRST.ndf, FIRST.image_size)
    assert same(finished, tmp_path / "tuned", "generator")
    first, tuned = (
        variables(f, part) for f, part in ((finished, "generator"), (tmp_path / "tuned", "average"))
    )
    for name, value in tuned.items():
        assert np.array_equal(value, first[name.replace("average", "generator", 1)])
    for network in ("generator", "discriminator"):  # Adam's moments go on: it is not a first step
        name = f"{network}_optimizer/beta2_power/.ATTRIBUTES/VARIABLE_VALUE"
        powers = [tf.train.load_variable(str(folder), name) for folder in (finished, tmp_path / "tuned")]
        assert powers[1] == pytest.approx(powers[0] * opts.beta2)
    capsys.readouterr()
    assert made.edge(*command(pairs, finished, tmp_path / "other", "--max_steps", 1, "--ngf", 5)) == 2
    assert f"--checkpoint {finished} was trained with other options: --ngf 4 then, 5 now" in (
        capsys.readouterr().err
    )


def test_the_same_folder_is_resumed_and_not_fine_tuned(pairs, finished, capsys):
    before = made.tree(finished)
    assert made.edge(*command(pairs, finished, finished, "--max_steps", 12, "--val_dir", pairs)) == 0
    assert f"going on from {finished}/ckpt-12: trained to the end already" in capsys.readouterr().out
    changed = {name for name, value in made.tree(finished).items() if before.get(name) != value}
    assert changed <= {options.FILE_NAME}


def of_video(pairs: Path, folder: Path, **changes) -> Path:
    """A copy of pairs, as of another video."""
    shutil.copytree(pairs, folder)
    known = sidecar.read_sidecar(folder)
    sidecar.Sidecar([replace(known.videos[0], **changes)], known.images, known.drawing).write(folder)
    return folder


@pytest.mark.parametrize(
    "changes, described",
    [
        ({"name": "somebody-else.mp4"}, "somebody-else.mp4 (64x64)"),
        ({"frame_size": (640, 480)}, "made.mp4 (640x480)"),
    ],
)
def test_pairs_of_another_target_do_not_go_on_with_its_training(
    changes, described, pairs, finished, tmp_path
):
    before = made.tree(finished)
    others = of_video(pairs, tmp_path / "others", **changes)
    expected = re.escape(f"expected pairs of made.mp4 (64x64), as in {finished}, got pairs of {described} (")
    for steps in (12, 20):
        with pytest.raises(UserError, match=expected):
            training.train(replace(FIRST, max_steps=steps), others, finished)
    assert made.tree(finished) == before


def test_more_pairs_of_a_target_go_on_with_its_training(finished, tmp_path):
    """But a training that is finished keeps the statistics that its weights were trained with."""
    folder = shutil.copytree(finished, tmp_path / "model")
    before = (folder / "target.json").read_bytes()
    more = made.write_pairs(tmp_path / "more" / "train", 5)
    training.train(FIRST, more, folder)
    assert (folder / "target.json").read_bytes() == before
    training.train(replace(FIRST, max_steps=FIRST.max_steps + 1), more, folder)
    assert step(folder) == FIRST.max_steps + 1
    assert read_target(folder).videos[0]["frames"] == list(range(5))


def test_a_folder_without_a_checkpoint_is_named(pairs, tmp_path):
    options.write(tmp_path / "empty", FIRST, options.TRAINING)
    with pytest.raises(UserError, match=f"expected a folder with a checkpoint, got none in {tmp_path}/empty"):
        training.train(FIRST, pairs, tmp_path / "tuned", start_from=tmp_path / "empty")
