"""The training loop on steps of a known duration: what it says of time, speed and epochs."""

import itertools
import re
from dataclasses import replace

import pytest
import tensorflow as tf

from face2face.cli import UserError
from pix2pix import progress
from pix2pix.checkpoints import Checkpoints
from pix2pix.loop import Loop, Stopped
from pix2pix.options import Options
from tests import made

WARM_UP_SECONDS, STEP_SECONDS, WAITED_SECONDS = 10.0, 1.5, 0.5


class Steps:
    """Batches and a trainer (`TrainingStep`) on a clock of their own: slow first steps, then equal ones."""

    def __init__(self, opts: Options) -> None:
        self.options, self.strategy = opts, tf.distribute.get_strategy()
        self.step = tf.Variable(0, dtype=tf.int64)
        self.first_bad_step = tf.Variable(0, dtype=tf.int64)
        self.seconds = 0.0

    def clock(self) -> float:
        return self.seconds

    def batches(self):
        while True:
            self.seconds += WAITED_SECONDS
            yield tf.zeros((1, 8, 8, 3)), tf.zeros((1, 8, 8, 3))

    def build(self) -> None:
        pass

    def set_lr(self, step: int, last_step: int) -> None:
        pass

    def train_step(self, inputs: tf.Tensor, targets: tf.Tensor) -> tuple[dict[str, tf.Tensor], tf.Tensor]:
        self.seconds += WARM_UP_SECONDS if self.step < progress.WARM_UP_STEPS else STEP_SECONDS
        self.step.assign_add(1)
        return {"l1": tf.constant(0.25)}, inputs

    def update_ema(self, step: int) -> None:
        pass

    def is_finite(self) -> bool:
        return True


@pytest.fixture
def said(tmp_path, capsys) -> tuple[str, list[str]]:
    """Standard output and the lines of progress of 45 steps in epochs of 20, of 30 pairs a batch."""
    opts = replace(made.SMALL, batch_size=30, progress_freq=15, summary_freq=0, save_freq=0)
    steps = Steps(opts)
    checkpoints = Checkpoints(tmp_path, step=steps.step)
    Loop(steps, checkpoints, steps.batches(), tmp_path, 20, clock=steps.clock).run(0, 45)
    captured = capsys.readouterr()
    return captured.out, captured.err.splitlines()


def test_the_time_of_the_whole_training_is_estimated_from_steps_after_the_first(said):
    """45 steps of 2 s each; the slow first ones are not counted."""
    out, _ = said
    assert re.findall(r"^about .*$", out, re.M) == ["about 2 minutes in all, at 2.000 s a step"]


def test_a_line_of_progress_tells_the_epoch_the_losses_and_the_speed(said):
    """After 5 steps of 10.5 s, steps take 2 s."""
    _, lines = said
    for step, epoch in ((15, 1), (30, 2), (45, 3)):
        rate = 30 * step / (5 * 10.5 + (step - 5) * 2)
        line = [line for line in lines if line.startswith(f"training: {step}/45 ")][-1]
        assert f"epoch {epoch}, l1 0.250, {rate:.1f} images/s" in line


def test_the_share_of_time_without_pairs_is_told(said):
    out, _ = said
    share = 100 * 45 * 0.5 / (5 * 10.5 + 40 * 2)
    assert f"waited for pairs in {share:.1f} % of the time\n" in out


@pytest.mark.parametrize(
    "error, ends", [(tf.errors.NotFoundError(None, None, "1.png"), Stopped), (UserError("1.png"), UserError)]
)
def test_an_error_between_two_steps_costs_no_step(error, ends, tmp_path, capsys):
    """Of pairs that are gone, or of a file that cannot be replaced any more."""
    steps = Steps(replace(made.SMALL, summary_freq=0, save_freq=5))

    def batches():
        yield from itertools.islice(steps.batches(), 7)
        raise error

    checkpoints = Checkpoints(tmp_path, step=steps.step)
    with pytest.raises(ends, match=r"1\.png"):
        Loop(steps, checkpoints, batches(), tmp_path, 20, clock=steps.clock).run(0, 45)
    assert checkpoints.latest == str(tmp_path / "ckpt-7")
    assert f"saved {tmp_path}/ckpt-7\n" in capsys.readouterr().out


def test_after_a_step_that_failed_nothing_is_saved(tmp_path):
    """It may have changed a part of the weights."""
    steps = Steps(replace(made.SMALL, summary_freq=0, save_freq=5))
    whole_step = steps.train_step

    def train_step(inputs, targets):
        if steps.step == 7:
            raise tf.errors.ResourceExhaustedError(None, None, "no memory")
        return whole_step(inputs, targets)

    steps.train_step = train_step
    checkpoints = Checkpoints(tmp_path, step=steps.step)
    with pytest.raises(Stopped, match=r"the last checkpoint: .*/ckpt-5\): no memory"):
        Loop(steps, checkpoints, steps.batches(), tmp_path, 20, clock=steps.clock).run(0, 45)
    assert checkpoints.latest == str(tmp_path / "ckpt-5")


@pytest.mark.parametrize(
    "steps, expected",
    [
        (600, "about 5 minutes"),
        (14_399, "about 120 minutes"),
        (14_400, "about 2.0 hours"),
        (80_000, "about 11.1 hours"),
    ],
)
def test_an_estimate(steps, expected):
    assert (
        progress.describe_estimate(progress.TIMED_STEPS * 0.5, steps)
        == f"{expected} in all, at 0.500 s a step"
    )
