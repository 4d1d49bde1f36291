"""The training of pix2pix: losses, the train step, the loop (Isola et al., arXiv 1611.07004)."""

import random
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import tensorflow as tf

from face2face import cli, sidecar, target
from pix2pix import dataset, images, networks, objectives, options, precision, report
from pix2pix.checkpoints import AVERAGE, Checkpoints, by_name
from pix2pix.optimizer import Adam
from pix2pix.options import Options

EMA_DECAY = 0.999
"""Of `--ema`, for each step: the average spans about the last thousand steps."""

EMA_EVERY = 10
"""Steps from one update of the average to the next: it reads all weights, which takes a tenth of a step."""

_SMOOTHING = 0.99
"""Of the losses that are shown: the share of the last mean in the new one."""


class Trainer:
    """Both networks and their optimisers."""

    def __init__(self, opts: Options):
        self.options = opts
        with precision.policy(opts.precision):
            self.generator = networks.generator(opts.image_size, opts.ngf)
            self.discriminator = networks.discriminator(opts.image_size, opts.ndf)
        self.judge = networks.with_features(self.discriminator)
        self.lr = tf.Variable(opts.lr, trainable=False)
        self.generator_optimizer, self.discriminator_optimizer = (
            Adam(trained_variables(network), opts.beta1, scaled=opts.precision == "mixed_float16")
            for network in (self.generator, self.discriminator)
        )
        self.step = tf.Variable(0, dtype=tf.int64, trainable=False)
        self.average = networks.generator(opts.image_size, opts.ngf) if opts.ema else None

    def objects(self) -> dict:
        """What a checkpoint holds, by name."""
        objects = {
            "generator": by_name(self.generator),
            "discriminator": by_name(self.discriminator),
            "generator_optimizer": self.generator_optimizer,
            "discriminator_optimizer": self.discriminator_optimizer,
            "step": self.step,
        }
        return objects | ({AVERAGE: by_name(self.average)} if self.average else {})

    def build(self) -> None:
        """Trace the train step ahead of the first, which takes some seconds."""
        size, channels = self.options.image_size, networks.CHANNELS
        picture = tf.TensorSpec((self.options.batch_size, size, size, channels), tf.float32)
        self.train_step.get_concrete_function(picture, picture)

    def set_lr(self, step: int, last_step: int) -> None:
        """The learning rate of a step: constant, then falling to 0 in a line over the last `lr_decay`."""
        decaying = max(self.options.lr_decay * last_step, 1.0)
        self.lr.assign(self.options.lr * min(1.0, (last_step - step) / decaying))

    def update_average(self, step: int) -> None:
        """Move the average towards the generator; early on, in the rhythm of its own age."""
        if self.average is not None and step % EMA_EVERY == 0:
            age = step / EMA_EVERY
            self._update_average(tf.constant(min(EMA_DECAY**EMA_EVERY, age / (age + 10)), tf.float32))

    @tf.function
    def _update_average(self, decay: tf.Tensor) -> None:
        for mean, new in zip(self.average.variables, self.generator.variables, strict=True):
            if mean.dtype == "float32":
                mean.assign_add((1 - decay) * (new - mean))

    @tf.function
    def train_step(self, inputs: tf.Tensor, targets: tf.Tensor) -> tuple[dict, tf.Tensor]:
        """One step of both networks on a batch, (N, S, S, 3) each; returns the losses and the outputs."""
        opts = self.options
        with tf.GradientTape(persistent=True) as tape:
            outputs = self.generator(inputs, training=True)
            real_features, real = self.judge([inputs, targets], training=True)
            painted_features, painted = self.judge([inputs, outputs], training=True)
            generator = {"gan": objectives.gan(opts.gan_loss, painted), "l1": objectives.l1(targets, outputs)}
            generator_loss = opts.gan_weight * generator["gan"] + opts.l1_weight * generator["l1"]
            if opts.feature_matching:
                generator["features"] = objectives.feature_matching(real_features, painted_features)
                generator_loss += opts.feature_matching * generator["features"]
            discriminator_loss = objectives.discriminator(opts.gan_loss, real, painted)
            scaled_losses = (
                self.discriminator_optimizer.scaled(discriminator_loss),
                self.generator_optimizer.scaled(generator_loss),
            )
        self.discriminator_optimizer.step(tape, scaled_losses[0], self.lr)
        self.generator_optimizer.step(tape, scaled_losses[1], self.lr)
        self.step.assign_add(1)
        return {"discriminator": discriminator_loss, **generator}, outputs


def trained_variables(network) -> dict[str, tf.Variable]:
    """By LAYER/VARIABLE."""
    return {
        f"{layer.name}/{variable.name}": variable.value
        for layer in network.layers
        for variable in layer.trainable_variables
    }


def settle_precision(opts: Options) -> Options:
    """The options with `auto` replaced by what is fastest here, measured on steps of such networks."""
    if opts.precision != "auto":
        return opts

    def step_of(name: str) -> Callable[[], None]:
        trainer = Trainer(replace(opts, precision=name, ema=False))
        size = opts.image_size
        picture = tf.zeros((opts.batch_size, size, size, networks.CHANNELS))
        return lambda: float(trainer.train_step(picture, picture)[0]["l1"])

    return replace(opts, precision=precision.fastest(step_of))


def train(opts: Options, input_dir: Path, output_dir: Path, start_from: Path | None = None) -> None:
    """Train on the pairs of a folder until the last step, or go on with what `output_dir` holds.

    Args:
        start_from: the folder of another training whose newest checkpoint is the beginning.
    Raises: UserError for bad input; KeyboardInterrupt after the state has been saved.
    """
    pairs = dataset.find_pairs(input_dir)
    steps_per_epoch = -(-len(pairs) // opts.batch_size)
    last_step = opts.max_steps or (opts.max_epochs or 0) * steps_per_epoch
    if not last_step:
        raise cli.UserError("expected --max_epochs or --max_steps, got neither")
    beside = landmarks_of(pairs, input_dir, opts)
    opts = agree_with_folder(replace(opts, drawing=beside.drawing), output_dir)
    opts = settle_precision(opts)
    tf.keras.utils.set_random_seed(opts.seed)
    trainer = Trainer(opts)
    checkpoints = Checkpoints(output_dir, **trainer.objects())
    begun_from = checkpoints.restore() or (checkpoints.restore(start_from) if start_from else None)
    options.write(output_dir, opts, options.TRAINING)
    if beside.images:
        target.Target.measure(beside, opts.image_size).write(output_dir)
    first_step = int(trainer.step)
    parameters = trainer.generator.count_params() / 1e6, trainer.discriminator.count_params() / 1e6
    print(f"generator {parameters[0]:.1f} M parameters, discriminator {parameters[1]:.1f} M")
    print(f"precision {opts.precision}")
    print(f"{len(pairs)} pairs, {steps_per_epoch} steps per epoch, {last_step} steps, seed {opts.seed}")
    if begun_from:
        print(
            f"going on from {begun_from}"
            + (": trained to the end already" if first_step >= last_step else "")
        )
    if first_step < last_step:
        batches = dataset.training_batches(pairs, opts, first_step, beside)
        Loop(trainer, checkpoints, batches, output_dir, steps_per_epoch).run(first_step, last_step)


def agree_with_folder(opts: Options, output_dir: Path) -> Options:
    """The given options with the seed and, for `auto`, the precision that the folder's training began with.

    Raises: UserError if the folder was trained with options that cannot change.
    """
    output_dir.mkdir(parents=True, exist_ok=True)
    if (output_dir / options.FILE_NAME).is_file():
        saved = options.read(output_dir, options.TRAINING)
        if conflicts := options.conflicts(saved, opts):
            raise cli.UserError(f"{output_dir} was trained with other options: {'; '.join(conflicts)}")
        if opts.seed is None:
            opts = replace(opts, seed=saved.seed)
        if opts.precision == "auto":
            opts = replace(opts, precision=saved.precision)
    return opts if opts.seed is not None else replace(opts, seed=random.randrange(2**31))


def landmarks_of(pairs: list[Path], input_dir: Path, opts: Options) -> sidecar.Sidecar:
    """The sidecar of the training pairs; an empty one if they have none, as pairs from elsewhere.

    Raises: UserError if landmarks are missing that `--jitter redraw` needs.
    """
    beside = sidecar.read(input_dir) or sidecar.Sidecar([])
    missing = next((path for path in pairs if path.name not in beside.images), None)
    if missing and opts.jitter == "redraw":
        raise cli.UserError(f"--jitter redraw needs the landmarks of each pair, got none of {missing}")
    return beside


class Loop:
    """The steps of a training, with progress, summaries, pictures and checkpoints at their times."""

    def __init__(
        self,
        trainer: Trainer,
        checkpoints: Checkpoints,
        batches: tf.data.Dataset,
        folder: Path,
        steps_per_epoch: int,
    ):
        self.trainer, self.checkpoints, self.batches, self.folder = trainer, checkpoints, batches, folder
        self.steps_per_epoch = steps_per_epoch
        self.shown_losses: dict[str, float] = {}

    def run(self, step: int, last_step: int) -> None:
        """Train from `step` to `last_step`. On Ctrl-C the step is finished and saved before it is raised."""
        opts = self.trainer.options
        is_log = not sys.stderr.isatty()
        summaries = tf.summary.create_file_writer(str(self.folder))
        batches = iter(self.batches)
        self.trainer.build()
        saved = step
        with (
            cli.progress(last_step, "training", "steps", step, log_seconds=float("inf")) as bar,
            _Interruption() as interruption,
        ):
            while step < last_step and not interruption.came:
                inputs, targets = next(batches)
                self.trainer.set_lr(step, last_step)
                losses, outputs = self.trainer.train_step(inputs, targets)
                step += 1
                self.trainer.update_average(step)
                self.smooth(losses)
                bar.set_postfix_str(self.describe(step, bar), refresh=False)
                bar.update()
                if is_log and due(step, opts.progress_freq):
                    bar.refresh()
                if due(step, opts.summary_freq):
                    self.summarise(summaries, step, losses, inputs, outputs, targets)
                if due(step, opts.display_freq):
                    self.display(step, inputs, outputs, targets)
                if due(step, opts.save_freq):
                    saved = step
                    self.checkpoints.save(step)
        if saved != step:
            print(f"saved {self.checkpoints.save(step)}")
        summaries.close()
        if interruption.came:
            raise KeyboardInterrupt

    def smooth(self, losses: dict[str, tf.Tensor]) -> None:
        for name, loss in losses.items():
            last = self.shown_losses.get(name, float(loss))
            self.shown_losses[name] = _SMOOTHING * last + (1 - _SMOOTHING) * float(loss)

    def describe(self, step: int, bar) -> str:
        losses = ", ".join(f"{name} {value:.3f}" for name, value in self.shown_losses.items())
        epoch = (step - 1) // self.steps_per_epoch + 1
        rate = (step - bar.initial) * self.trainer.options.batch_size / (time.time() - bar.start_t)
        return f"epoch {epoch}, {losses}, {rate:.1f} images/s"

    def summarise(self, summaries, step: int, losses: dict, *pictures: tf.Tensor) -> None:
        with summaries.as_default(step=step):
            for name, loss in losses.items():
                tf.summary.scalar(f"loss/{name}", loss)
            for name, picture in zip(("inputs", "outputs", "targets"), pictures, strict=True):
                tf.summary.image(name, (picture + 1) / 2, max_outputs=1)
        summaries.flush()

    def display(self, step: int, *pictures: tf.Tensor) -> None:
        """Add the step's first pair to the training's index.html."""
        first = [images.from_unit(picture[0]) for picture in pictures]
        report.add_step(self.folder, step, dict(zip(("inputs", "outputs", "targets"), first, strict=True)))


def due(step: int, frequency: int) -> bool:
    return frequency > 0 and step % frequency == 0


class _Interruption:
    """Remembers Ctrl-C and SIGTERM instead of being torn out of a step; a second Ctrl-C is not held back."""

    came = False

    def __enter__(self):
        self._before = {s: signal.signal(s, self._note) for s in (signal.SIGINT, signal.SIGTERM)}
        return self

    def _note(self, *_):
        self.came = True
        self._restore()

    def _restore(self):
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def __exit__(self, *_):
        self._restore()
