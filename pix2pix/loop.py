"""The training loop: steps, progress, validation, summaries, sample pictures and checkpoints."""

import contextlib
import functools
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from pathlib import Path

import numpy as np
import tensorflow as tf

from face2face import cli
from pix2pix import distribution, report
from pix2pix.checkpoints import Checkpoints, reason_of
from pix2pix.interruption import Interruption
from pix2pix.progress import (
    LOSSES_EVERY,
    TIMED_STEPS,
    WARM_UP_STEPS,
    describe_estimate,
    is_due,
    print_above_bar,
)
from pix2pix.training_step import TrainingStep
from pix2pix.validation import Validation, sample

_SMOOTHING = 0.9
"""Share of the previous mean in the running mean of the losses that are shown."""


class Stopped(Exception):
    """A training cannot continue. Its text gives the reason and names the last good checkpoint."""


class Loop:
    """Calls the train step until the last step, and does what is due after each step."""

    def __init__(
        self,
        trainer: TrainingStep,
        checkpoints: Checkpoints,
        batches: Iterable[tuple[tf.Tensor, tf.Tensor]],
        folder: Path,
        steps_per_epoch: int,
        validation: Validation | None = None,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        """Prepare a run.

        Args:
            trainer: Does the steps.
            checkpoints: Where the training's state is saved.
            batches: Endless pairs (inputs, targets), float32 (N, S, S, C) in [-1, 1].
            folder: The training folder, for summaries and sample pictures.
            steps_per_epoch: Steps in which each pair is used once.
            validation: None without validation pairs, and on workers that are not the chief.
            clock: Returns seconds; the estimate and the rates are calculated from it.
        """
        self.trainer, self.checkpoints, self.batches, self.folder = trainer, checkpoints, batches, folder
        self.steps_per_epoch, self.validation, self._clock = steps_per_epoch, validation, clock
        self.is_chief = distribution.is_chief(trainer.strategy)
        self.smoothed_losses: dict[str, float] = {}
        self.seconds_waited = 0.0
        self._done: int | None = None  # steps; None while one is under way
        self._saved = 0
        self.has_stopped_early = False

    def run(self, step: int, last_step: int) -> None:
        """Train from `step` to `last_step`. An interruption takes effect after the current step is saved.

        Raises:
            KeyboardInterrupt: After a signal.
            BrokenPipeError: If nobody reads what is printed any more.
            Stopped: If losses or weights are not finite, or a device fails.
            UserError: If a file cannot be written.
        """
        with Interruption() as interruption:
            self._run(step, last_step, interruption)
        interruption.reraise()

    def _run(self, step: int, last_step: int, interruption: Interruption) -> None:
        call = interruption.call
        opts = self.trainer.options
        is_log = not sys.stderr.isatty()
        batches = iter(self.batches)
        self.trainer.build()
        first = self._done = self._saved = step
        self.synchronise_early_stop()
        bar = cli.progress(last_step, "training", "steps", step, log_seconds=float("inf"))
        began = self._clock()
        show = functools.partial(call, print_above_bar, bar)
        with self.summaries() as summaries, contextlib.ExitStack() as at_end, self.saving_at_an_error(show):
            at_end.callback(call, bar.close)
            while step < last_step and not self.has_stopped_early and not interruption.is_requested:
                if step - first == WARM_UP_STEPS:
                    warm = self._clock()
                inputs, targets = self.next_batch(batches)
                self.trainer.set_lr(step, last_step)
                self._done = None
                with self.profiled(step + 1):
                    losses, outputs = self.trainer.train_step(inputs, targets)
                step += 1
                self.trainer.update_ema(step)
                self._done = step
                if not self.smoothed_losses or is_due(step, LOSSES_EVERY) or step == last_step:
                    self.stop_if_diverged()
                    self.smooth(losses)
                if step - first == WARM_UP_STEPS + TIMED_STEPS:
                    estimate = describe_estimate(self._clock() - warm, last_step - first)
                    show(estimate)
                status = self.describe(step, step - first, self._clock() - began)
                bar.set_postfix_str(status, refresh=False)
                call(bar.update)
                if is_log and is_due(step, opts.progress_freq):
                    call(bar.refresh)
                if self.is_chief and is_due(step, opts.summary_freq):
                    self.summarise(summaries, step, losses, inputs, outputs, targets)
                if self.is_chief and is_due(step, opts.display_freq):
                    report.add_step(self.folder, step, self.pictures(inputs, outputs, targets))
                if opts.val_freq and (is_due(step, opts.val_freq) or step == last_step):
                    self.validate(summaries, step, show)
                if is_due(step, opts.save_freq):
                    self.save(step)
            seconds = self._clock() - began
        if self._saved != step:
            self.save(step)
        if step > first:
            if self.is_chief:
                show(f"saved {self.checkpoints.latest}")
            share = 100 * self.seconds_waited / seconds
            show(f"waited for pairs in {share:.1f} % of the time")
        if self.has_stopped_early:
            show(f"stopped at step {step}: {opts.patience} validations without a better SSIM")

    @contextlib.contextmanager
    def saving_at_an_error(self, show: Callable[[str], None]) -> Iterator[None]:
        """Save the finished steps if an error occurs between two steps (an unreadable pair, for example).

        A step that failed may have changed a part of the weights: nothing is saved after it. With several
        devices nothing is saved: if one has failed, the others would wait for it.
        """
        try:
            yield
        except Exception:
            is_alone = self.trainer.strategy.num_replicas_in_sync == 1
            if is_alone and self._done is not None and self._done > self._saved:
                with contextlib.suppress(Stopped, cli.UserError, OSError):  # the first error is told
                    show(f"saved {self.save(self._done)}")
            raise

    def next_batch(self, batches: Iterator) -> tuple[tf.Tensor, tf.Tensor]:
        """Take the next batch, and add the time that it took to `seconds_waited`."""
        began = self._clock()
        inputs, targets = next(batches)
        self.seconds_waited += self._clock() - began
        return inputs, targets

    def save(self, step: int) -> str | None:
        """Save a checkpoint; only the chief writes.

        Returns:
            The checkpoint's path; None on other workers.

        Raises:
            Stopped: If losses or weights are not finite: the older checkpoints stay.
        """
        self.stop_if_diverged(also_weights=True)
        self._saved = step
        return self.checkpoints.save(step) if self.is_chief else None

    def stop_if_diverged(self, also_weights: bool = False) -> None:
        """Raise `Stopped` if a step's losses (or, on request, the weights) are not finite."""
        step, what = int(self.trainer.first_bad_step.numpy()), "losses"
        if not step and also_weights and not self.trainer.is_finite():
            step, what = int(self.trainer.step.numpy()), "weights"
        if step:
            kept = self.checkpoints.latest
            raise Stopped(
                f"the {what} are no longer finite at step {step}: training has stopped; "
                + (f"the last good checkpoint is {kept}" if kept else "there is no checkpoint yet")
            )

    def validate(self, summaries: tf.summary.SummaryWriter, step: int, show: Callable[[str], None]) -> None:
        """Validate on the chief, print and summarise the measures, and decide on early stopping."""
        if self.validation is not None:
            self.stop_if_diverged(also_weights=True)
            measures = self.validation(step)
            best = " (the best so far)" if self.validation.best_step() == step else ""
            show(f"step {step}, validation: {measures}{best}")
            with summaries.as_default(step=step):
                for name, value in asdict(measures).items():
                    tf.summary.scalar(f"validation/{name}", value)
            summaries.flush()
        self.synchronise_early_stop()

    def synchronise_early_stop(self) -> None:
        """Set `has_stopped_early` on all workers to what the chief finds by `patience`."""
        patience = self.trainer.options.patience
        if patience:
            is_over = self.validation is not None and self.validation.validations_since_best() >= patience
            decided = distribution.broadcast_from_chief(self.trainer.strategy, int(is_over))
            self.has_stopped_early = bool(decided)

    def smooth(self, losses: dict[str, tf.Tensor]) -> None:
        """Update the running means of the losses, scalars by name."""
        for name, loss in losses.items():
            last = self.smoothed_losses.get(name, float(loss))
            self.smoothed_losses[name] = _SMOOTHING * last + (1 - _SMOOTHING) * float(loss)

    def describe(self, step: int, steps_done: int, seconds: float) -> str:
        """Describe the state after a step: epoch, losses and images per second of this run."""
        losses = ", ".join(f"{name} {value:.3f}" for name, value in self.smoothed_losses.items())
        epoch = (step - 1) // self.steps_per_epoch + 1
        rate = steps_done * self.trainer.options.batch_size / seconds
        return f"epoch {epoch}, {losses}, {rate:.1f} images/s"

    @contextlib.contextmanager
    def summaries(self) -> Iterator[tf.summary.SummaryWriter]:
        """Open the writer of TensorBoard's event files; only the chief's writes."""
        folder = str(self.folder)
        writer = tf.summary.create_file_writer(folder) if self.is_chief else tf.summary.create_noop_writer()
        try:
            yield writer
            writer.close()
        except tf.errors.OpError as error:  # no space for a summary, another worker gone, out of memory
            kept = self.checkpoints.latest or "none yet"
            raise Stopped(f"training has stopped (the last checkpoint: {kept}): {reason_of(error)}") from None

    def summarise(
        self,
        summaries: tf.summary.SummaryWriter,
        step: int,
        losses: dict[str, tf.Tensor],
        *batches: tf.Tensor,
    ) -> None:
        """Write for TensorBoard.

        These are the losses, the first pair of (inputs, outputs, targets), the discriminator's patch scores
        of it, and, if the options say so, histograms.
        """
        with summaries.as_default(step=step):
            for name, loss in losses.items():
                tf.summary.scalar(f"loss/{name}", loss)
            for name, picture in self.pictures(*batches).items():
                tf.summary.image(name, picture[None])
            inputs, outputs, targets = (self.local(batch)[:1] for batch in batches)
            for name, faces in (("predict_real", targets), ("predict_fake", outputs)):
                tf.summary.image(name, self.trainer.patch_scores(inputs, faces)[None])
            if self.trainer.options.histograms:
                for name, values in self.trainer.distributions():
                    tf.summary.histogram(name, values)
        summaries.flush()

    def local(self, batch: tf.Tensor) -> tf.Tensor:
        """The part of a batch that is on this process's first device."""
        return self.trainer.strategy.experimental_local_results(batch)[0]

    def pictures(self, inputs: tf.Tensor, outputs: tf.Tensor, targets: tf.Tensor) -> dict[str, np.ndarray]:
        """Convert the first pair of a batch to pictures, uint8 (H, W, 3), RGB, by kind."""
        first = (self.local(batch)[0].numpy() for batch in (inputs, outputs, targets))
        return sample(self.trainer.options, *first)

    @contextlib.contextmanager
    def profiled(self, step: int) -> Iterator[None]:
        """Profile a step for TensorBoard, if a profile is due."""
        if not (self.is_chief and is_due(step, self.trainer.options.trace_freq)):
            yield
            return
        with tf.profiler.experimental.Profile(str(self.folder)):
            with tf.profiler.experimental.Trace("train", step_num=step):
                yield
            self.trainer.step.numpy()  # the profile has to include what the device has not done yet
