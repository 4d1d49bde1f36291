"""What a training is made of: its end, its jitter, and what a signal does to it."""

import os
import signal
from dataclasses import replace

import pytest

from face2face.cli import UserError
from pix2pix import images, loop, options, training
from tests import made


def test_it_needs_an_end(tmp_path):
    pairs = made.write_pairs(tmp_path / "pairs", 2)
    with pytest.raises(UserError, match="expected --max_epochs or --max_steps, got neither"):
        training.train(replace(made.SMALL, max_steps=None), pairs, tmp_path / "model")
    assert not (tmp_path / "model").exists()


def test_points_are_redrawn_where_each_pair_has_them(tmp_path):
    pairs = made.write_pairs(tmp_path / "pairs", 2)
    training.train(replace(made.SMALL, max_steps=1), pairs, tmp_path / "points")
    assert options.read(tmp_path / "points", options.TRAINING).jitter == "redraw"
    images.write(pairs / "extra.png", made.noise(64, 128))
    training.train(replace(made.SMALL, max_steps=1), pairs, tmp_path / "without")
    assert options.read(tmp_path / "without", options.TRAINING).jitter == "crop"


def test_redrawing_needs_the_landmarks_of_each_pair(tmp_path):
    pairs = made.write_pairs(tmp_path / "pairs", 2)
    images.write(pairs / "extra.png", made.noise(64, 128))
    with pytest.raises(
        UserError, match=r"--jitter redraw needs the landmarks of each pair, got none of .*extra"
    ):
        training.train(replace(made.SMALL, jitter="redraw"), pairs, tmp_path / "model")


@pytest.mark.parametrize("other", [{"aspect_ratio": 2.0}, {"lab_colorization": True}], ids=["aspect", "lab"])
def test_what_redrawing_cannot_do_is_cropped(tmp_path, other):
    pairs = made.write_pairs(tmp_path / "pairs", 2)
    opts = replace(made.SMALL, **other)
    beside = training.sidecar.read(pairs)
    assert training.settle_jitter(opts, sorted(pairs.glob("*.png")), beside) == "crop"
    assert training.settle_jitter(made.SMALL, sorted(pairs.glob("*.png")), beside) == "redraw"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_waits_for_the_end_of_a_step(number):
    before = signal.getsignal(number)
    with loop._Interruption() as interruption:
        assert not interruption.came
        os.kill(os.getpid(), number)
        assert interruption.came
        assert signal.getsignal(number) == before  # the next one is not held back
    assert signal.getsignal(number) == before
