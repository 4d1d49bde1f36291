"""What must not cost a training: kill -9 at any moment, a full disk, numbers that are none, bad input."""

import os
import random
import resource
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import tensorflow as tf

from face2face import pictures
from face2face.cli import UserError
from pix2pix import pix2pix, trainer, training
from pix2pix.checkpoints import Checkpoints
from tests import made
from tests.processes import forked

OPTS = replace(
    made.SMALL, image_size=32, scale_size=36, ngf=2, ndf=2, max_steps=120, save_freq=3, val_freq=25
)
KILLS = 6
CHAINS = 2
"""Trainings that are killed side by side: each process that begins anew mostly keeps one core busy."""


def steps(folder: Path) -> list[int]:
    return sorted(int(path.stem.split("-")[1]) for path in folder.glob("ckpt-*.index"))


def weights(folder: Path) -> dict[str, np.ndarray]:
    reader = tf.train.load_checkpoint(str(folder))
    names = [name for name in reader.get_variable_to_shape_map() if name != "_CHECKPOINTABLE_OBJECT_GRAPH"]
    return {name: reader.get_tensor(name) for name in names if "save_counter" not in name}


def killed_again_and_again(pairs: Path, folder: Path, kills: int, seed: int) -> Path:
    """Train in a folder to the end, with that many kills at random moments, most of them during a save."""
    rng = random.Random(seed)
    for _ in range(kills):
        before = steps(folder)[-1:]
        process = forked.start(training.train, OPTS, pairs, folder)
        made.until(lambda before=before: steps(folder)[-1:] != before)  # it has come to steps of its own
        time.sleep(rng.uniform(0, 0.1))
        process.kill()
        assert forked.end(process, 60) == -signal.SIGKILL, "trained to the end before it was killed"
    assert forked.end(forked.start(training.train, OPTS, pairs, folder), 240) == 0
    return folder


def test_a_training_survives_kill_9_at_random_moments(tmp_path):
    """Each start goes on from a whole checkpoint; in the end all is as if nothing had happened."""
    pairs = made.write_pairs(tmp_path / "train", 4, OPTS.image_size)
    made.write_pairs(tmp_path / "val", 2, OPTS.image_size)
    with ThreadPoolExecutor(CHAINS) as pool:
        chains = [
            pool.submit(killed_again_and_again, pairs, tmp_path / f"killed-{i}", KILLS // CHAINS, i)
            for i in range(CHAINS)
        ]
        folders = [chain.result() for chain in chains]
    whole = killed_again_and_again(pairs, tmp_path / "whole", 0, 0)
    for folder in folders:
        ours, theirs = weights(folder), weights(whole)
        assert ours.keys() == theirs.keys()
        assert all(np.array_equal(ours[name], theirs[name]) for name in ours)
        assert (folder / "history.csv").read_bytes() == (whole / "history.csv").read_bytes()
        assert steps(folder / "best") == steps(whole / "best")


# --- a full disk, and no numbers ------------------------------------------------------------------------


@pytest.fixture
def small_disk(tmp_path):
    """A folder, and a function after which no file can be written beyond 2000 bytes, as on a full disk."""
    folder = tmp_path / "disk"
    folder.mkdir()
    before = resource.getrlimit(resource.RLIMIT_FSIZE)  # Python ignores SIGXFSZ: writing more raises OSError
    yield folder, lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (2000, before[1]))
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_costs_no_checkpoint(small_disk, tmp_path, monkeypatch):
    folder, fill = small_disk
    pairs = made.write_pairs(tmp_path / "pairs", 2, OPTS.image_size)
    opts = replace(OPTS, max_steps=9, summary_freq=0)
    real, model = Checkpoints.save, folder / "model"

    def save(self, step: int) -> str:
        if step == 6:
            fill()
        return real(self, step)

    monkeypatch.setattr(Checkpoints, "save", save)
    with pytest.raises(UserError, match=rf"cannot save a checkpoint in .*, {model}/ckpt-3 is whole: "):
        training.train(opts, pairs, model)
    assert steps(model) == [3]
    subject = trainer.Trainer(opts)
    assert Checkpoints(model, **subject.objects()).restore() == str(model / "ckpt-3")
    assert int(subject.step) == 3 and subject.is_finite()


@pytest.mark.parametrize("poisoned, noticed", [("losses", 5), ("weights", 6)])
def test_numbers_that_are_none_stop_a_training(poisoned, noticed, tmp_path, monkeypatch, capsys):
    """Before step 6 is saved: the losses were none in the step before, or the weights are only after it."""
    pairs = made.write_pairs(tmp_path / "pairs", 2, OPTS.image_size)
    model = tmp_path / "model"
    real = trainer.Trainer.set_lr

    def set_lr(self, step: int, last_step: int) -> None:
        real(self, step, last_step)
        if step == 4 and poisoned == "losses":
            bias = self.generator.get_layer("decoder_1_conv").bias
            bias.assign(bias * np.nan)
        if step == 5 and poisoned == "weights":
            self.lr.assign(np.inf)

    monkeypatch.setattr(trainer.Trainer, "set_lr", set_lr)
    monkeypatch.setattr("pix2pix.arguments.to_options", lambda *_: OPTS)
    arguments = ["--mode", "train", "--input_dir", pairs, "--output_dir", model]
    assert made.edge(pix2pix.main, *arguments) == 1
    *_, error = capsys.readouterr().err.splitlines()
    assert error == (
        f"error: the {poisoned} are no longer finite at step {noticed}: training has stopped; "
        f"the last good checkpoint is {model}/ckpt-3"
    )
    assert steps(model) == [3]
    assert all(np.isfinite(value).all() for value in weights(model).values())


# --- bad input ------------------------------------------------------------------------------------------


def test_odd_pictures_and_stray_files_are_used_or_named(tmp_path, capsys):
    pairs = made.write_pairs(tmp_path / "pairs", 2, OPTS.image_size)
    picture = pictures.read(pairs / "1.png")
    cv2.imwrite(str(pairs / "grey.png"), picture[:, :, 0])
    cv2.imwrite(str(pairs / "alpha.png"), np.dstack([picture, picture[:, :, :1]]))
    cv2.imwrite(str(pairs / "deep.png"), picture.astype(np.uint16) * 257)
    (pairs / "notes.txt").write_text("not a picture")
    (pairs / "broken.png").write_bytes((pairs / "1.png").read_bytes()[:40])
    pictures.write(pairs / "odd.png", made.noise(32, 50))
    training.train(replace(OPTS, max_steps=5, jitter="crop"), pairs, tmp_path / "model")
    said = capsys.readouterr()
    assert "\n5 pairs, " in said.out
    warnings = [line for line in said.err.splitlines() if line.startswith("warning: ")]
    assert [Path(line.split(": ")[-1]).name for line in warnings] == ["broken.png", "odd.png"]


def test_a_single_pair_is_enough(tmp_path):
    pairs = made.write_pairs(tmp_path / "pairs", 1, OPTS.image_size)
    assert int(training.train(replace(OPTS, max_steps=2), pairs, tmp_path / "model").step) == 2


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written_to(tmp_path, capsys):
    pairs = made.write_pairs(tmp_path / "pairs", 1)
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o500)
    arguments = ["--mode", "train", "--input_dir", pairs, "--output_dir", closed / "model", "--max_steps", 1]
    assert made.edge(pix2pix.main, *arguments) == 2
    assert f"error: Permission denied: {closed / 'model'}" in capsys.readouterr().err


def test_a_file_in_the_place_of_the_models_folder(tmp_path, capsys):
    pairs = made.write_pairs(tmp_path / "pairs", 1)
    (tmp_path / "model").write_text("")
    arguments = [*("--mode", "train", "--input_dir", pairs), *("--output_dir", tmp_path / "model")]
    assert made.edge(pix2pix.main, *arguments, "--max_steps", 1) == 2
    *_, error = capsys.readouterr().err.splitlines()
    assert error == f"error: File exists: {tmp_path / 'model'}"
