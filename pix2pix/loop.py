"""The steps of a training, with progress, validation, summaries, pictures and checkpoints at their times."""

import contextlib
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path

import tensorflow as tf

from face2face import cli
from pix2pix import distribution, report
from pix2pix.checkpoints import Checkpoints, reason_of
from pix2pix.interruption import Interruption
from pix2pix.validation import Validation, sample

LOSSES_EVERY = 10
"""Steps from one look at the losses to the next: each makes the program wait for the device."""

_SMOOTHING = 0.9
"""Of the losses that are shown: the share of the last mean in the new one."""

WARM_UP, TIMED = 5, 20
"""The time of the whole training is estimated from that many steps, after the first few."""


class Stopped(Exception):
    """A training cannot go on. Its text says why, and names the last good checkpoint."""


class Loop:
    """The loop.

    Args: validation: None on workers that are not the chief, or without pairs to validate on.
    """

    def __init__(
        self,
        trainer,
        checkpoints: Checkpoints,
        batches,
        folder: Path,
        steps_per_epoch: int,
        validation: Validation | None = None,
    ):
        self.trainer, self.checkpoints, self.batches, self.folder = trainer, checkpoints, batches, folder
        self.steps_per_epoch, self.validation = steps_per_epoch, validation
        self.is_chief = distribution.is_chief(trainer.strategy)
        self.shown_losses: dict[str, float] = {}
        self.waited = 0.0
        self.is_over = False

    def run(self, step: int, last_step: int) -> None:
        """Train from `step` to `last_step`. At an interruption the step is finished, and saved.

        Raises:
            KeyboardInterrupt: if the system refuses.
            BrokenPipeError: if the system refuses.
            Stopped: if the system refuses.
            UserError: if something cannot be written.
        """
        with Interruption() as interruption:
            self._run(step, last_step, interruption)
        interruption.hand_on()

    def _run(self, step: int, last_step: int, interruption: Interruption) -> None:
        tell = interruption.tell
        opts = self.trainer.options
        is_log = not sys.stderr.isatty()
        batches = iter(self.batches)
        self.trainer.build()
        first = saved = step
        self.agree_on_end()
        bar = cli.progress(last_step, "training", "steps", step, log_seconds=float("inf"))
        with self.summaries() as summaries, contextlib.ExitStack() as at_end:
            at_end.callback(tell, bar.close)
            while step < last_step and not self.is_over and not interruption.came:
                if step - first == WARM_UP:
                    warm = time.perf_counter()
                inputs, targets = self.next_of(batches)
                self.trainer.set_lr(step, last_step)
                with self.traced(step + 1):
                    losses, outputs = self.trainer.train_step(inputs, targets)
                step += 1
                self.trainer.update_average(step)
                if not self.shown_losses or due(step, LOSSES_EVERY) or step == last_step:
                    self.stop_if_diverged()
                    self.smooth(losses)
                if step - first == WARM_UP + TIMED:
                    a_step = (time.perf_counter() - warm) / TIMED
                    tell(
                        say, bar, f"{duration(a_step * (last_step - first))} in all, at {a_step:.3f} s a step"
                    )
                bar.set_postfix_str(self.describe(step, bar), refresh=False)
                tell(bar.update)
                if is_log and due(step, opts.progress_freq):
                    tell(bar.refresh)
                if self.is_chief and due(step, opts.summary_freq):
                    self.summarise(summaries, step, losses, inputs, outputs, targets)
                if self.is_chief and due(step, opts.display_freq):
                    self.display(step, inputs, outputs, targets)
                if opts.val_freq and (due(step, opts.val_freq) or step == last_step):
                    self.validate(summaries, step, bar, tell)
                if due(step, opts.save_freq):
                    saved = step
                    self.save(step)
            seconds = time.time() - bar.start_t
        if saved != step and (path := self.save(step)):
            tell(say, bar, f"saved {path}")
        if step > first:
            tell(say, bar, f"waited for pairs in {100 * self.waited / seconds:.1f} % of the time")
        if self.is_over:
            tell(say, bar, f"stopped at step {step}: {opts.patience} validations without a better SSIM")

    def next_of(self, batches: Iterator) -> tuple:
        began = time.perf_counter()
        inputs, targets = next(batches)
        self.waited += time.perf_counter() - began
        return inputs, targets

    def save(self, step: int) -> str | None:
        """Save everything, if it is worth it; returns the path. Only the chief writes."""
        self.stop_if_diverged(also_weights=True)
        return self.checkpoints.save(step) if self.is_chief else None

    def stop_if_diverged(self, also_weights: bool = False) -> None:
        step, what = int(self.trainer.bad_step.numpy()), "losses"
        if not step and also_weights and not self.trainer.is_finite():
            step, what = int(self.trainer.step.numpy()), "weights"
        if step:
            kept = self.checkpoints.latest
            raise Stopped(
                f"the {what} are no longer finite at step {step}: training has stopped; "
                + (f"the last good checkpoint is {kept}" if kept else "there is no checkpoint yet")
            )

    def validate(self, summaries, step: int, bar, tell: Callable[..., None]) -> None:
        if self.validation is not None:
            self.stop_if_diverged(also_weights=True)
            measures = self.validation(step)
            best = " (the best so far)" if self.validation.best_step() == step else ""
            tell(say, bar, f"step {step}, validation: {measures}{best}")
            with summaries.as_default(step=step):
                for name, value in asdict(measures).items():
                    tf.summary.scalar(f"validation/{name}", value)
            summaries.flush()
        self.agree_on_end()

    def agree_on_end(self) -> None:
        """Whether patience has run out; the chief tells the others."""
        patience = self.trainer.options.patience
        if patience:
            is_over = self.validation is not None and self.validation.since_best() >= patience
            self.is_over = bool(distribution.of_chief(self.trainer.strategy, int(is_over)))

    def smooth(self, losses: dict[str, tf.Tensor]) -> None:
        for name, loss in losses.items():
            last = self.shown_losses.get(name, float(loss))
            self.shown_losses[name] = _SMOOTHING * last + (1 - _SMOOTHING) * float(loss)

    def describe(self, step: int, bar) -> str:
        losses = ", ".join(f"{name} {value:.3f}" for name, value in self.shown_losses.items())
        epoch = (step - 1) // self.steps_per_epoch + 1
        rate = (step - bar.initial) * self.trainer.options.batch_size / (time.time() - bar.start_t)
        return f"epoch {epoch}, {losses}, {rate:.1f} images/s"

    @contextlib.contextmanager
    def summaries(self) -> Iterator[tf.summary.SummaryWriter]:
        """The writer of TensorBoard's values; on workers that are not the chief it writes nothing."""
        folder = str(self.folder)
        writer = tf.summary.create_file_writer(folder) if self.is_chief else tf.summary.create_noop_writer()
        try:
            yield writer
            writer.close()
        except tf.errors.OpError as error:  # no space for a summary, another worker gone, out of memory
            kept = self.checkpoints.latest or "none yet"
            raise Stopped(f"training has stopped (the last checkpoint: {kept}): {reason_of(error)}") from None

    def summarise(self, summaries, step: int, losses: dict, *pictures) -> None:
        with summaries.as_default(step=step):
            for name, loss in losses.items():
                tf.summary.scalar(f"loss/{name}", loss)
            for name, picture in self.pictures(*pictures).items():
                tf.summary.image(name, picture[None])
        summaries.flush()

    def display(self, step: int, *pictures) -> None:
        """Add the step's first pair to the training's index.html."""
        report.add_step(self.folder, step, self.pictures(*pictures))

    def pictures(self, inputs, outputs, targets) -> dict:
        """The first pair of a batch, by kind, uint8 (H, W, 3), RGB."""
        local = self.trainer.strategy.experimental_local_results
        first = (local(batch)[0][0].numpy() for batch in (inputs, outputs, targets))
        return sample(self.trainer.options, *first)

    @contextlib.contextmanager
    def traced(self, step: int) -> Iterator[None]:
        """Profile a step for TensorBoard, if it is one's turn."""
        if not (self.is_chief and due(step, self.trainer.options.trace_freq)):
            yield
            return
        with tf.profiler.experimental.Profile(str(self.folder)):
            with tf.profiler.experimental.Trace("train", step_num=step):
                yield
            self.trainer.step.numpy()  # wait for the device


def due(step: int, frequency: int) -> bool:
    return frequency > 0 and step % frequency == 0


def say(bar, text: str) -> None:
    """Print a line without tearing the progress bar."""
    with bar.external_write_mode(file=sys.stdout):
        print(text, flush=True)


def duration(seconds: float) -> str:
    """About how long: in minutes below two hours."""
    return f"about {seconds / 60:.0f} minutes" if seconds < 7200 else f"about {seconds / 3600:.1f} hours"
