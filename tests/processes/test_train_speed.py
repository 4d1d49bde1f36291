"""The benchmark of training: a contestant answers from its own process, and the ratios are right."""

import importlib.util
import sys

import numpy as np
import pytest

from benchmarks import train_speed
from face2face import cli
from tests import made


def test_our_trainer_answers_from_its_own_process():
    words = [sys.executable, train_speed.__file__, "--contestant", "--ngf", 2, "--ndf", 2]
    contestant = train_speed.Contestant(words, "float32", 1)
    try:
        assert contestant.name.startswith("TensorFlow ")
        rates = train_speed.take_turns({"ours": contestant}, 1, 1, 2, lambda: None)
        assert len(rates["ours"]) == 2 and min(rates["ours"]) > 0
        contestant._work = "1 float7"
        with pytest.raises(cli.UserError, match=r"a contestant has ended, .*float7"):
            contestant.seconds(1)
    finally:
        contestant.close()


def test_our_losses_are_those_of_the_pytorch_trainer():
    """L1 of all pixels alike and GAN, without SSIM: both sides do the same work."""
    import tensorflow as tf

    from pix2pix.trainer import Trainer

    trainer = Trainer(train_speed.our_options(2, 2, 1, "float32"))
    drawing = np.full((1, 256, 256, 3), -1, np.float32)
    drawing[:, 100:120, 100:120] = 1
    target = np.random.default_rng(0).uniform(-1, 1, drawing.shape).astype(np.float32)
    target[:, 80:140, 80:140] = 1  # near the drawing the differences are others than elsewhere
    losses, outputs = trainer.train_step(tf.constant(drawing), tf.constant(target))
    assert losses.keys() == {"discriminator", "gan", "l1"}
    assert float(losses["l1"]) == pytest.approx(np.abs(target - outputs.numpy()).mean(), rel=1e-4)


def test_a_ratio_is_that_within_a_round():
    """The machine was twice as slow in the second round: that changes no ratio."""
    rates = {1: {"ours, float32": [6.0, 3.0, 6.0], train_speed.BASE: [3.0, 1.5, 4.0]}}
    assert train_speed.table(rates).splitlines()[2:] == [
        "| ours, float32 | 1 | **2.00** | 6.00 |",
        "| PyTorch, float32 | 1 | **1.00** | 3.00 |",
    ]


@pytest.mark.skipif(importlib.util.find_spec("torch") is not None, reason="PyTorch is here")
def test_without_pytorch_it_says_what_to_install():
    result = made.run_script("benchmarks/train_speed.py")
    assert result.returncode == 2 and result.stdout == ""
    (line,) = result.stderr.splitlines()
    assert line.startswith("error: ") and "pip install torch==2.13.0" in line
