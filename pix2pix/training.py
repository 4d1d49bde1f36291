"""A whole training: from a folder of pairs and options to the last step, begun or gone on with."""

import os
import random
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import tensorflow as tf

from face2face import cli
from face2face.target import sidecar, statistics
from pix2pix import dataset, distribution, networks, options, precision
from pix2pix.checkpoints import Checkpoints, check_state
from pix2pix.loop import Loop
from pix2pix.options import Options
from pix2pix.trainer import Trainer
from pix2pix.validation import Validation, default_dir


def train(
    opts: Options,
    input_dir: Path,
    output_dir: Path,
    start_from: Path | None = None,
    val_dir: Path | None = None,
) -> Trainer:
    """Train on the pairs of a folder until the last step, or go on with what `output_dir` holds.

    Args:
        start_from: the folder of another training whose newest checkpoint is the beginning.
        val_dir: pairs to validate on; None: the `val` beside a `train`, if it is there.
    Raises:
        UserError: for bad input.
        KeyboardInterrupt: after the state has been saved.
        loop.Stopped: if the system refuses.
    """
    check_state(output_dir)
    strategy = distribution.strategy(opts.strategy)
    is_chief = distribution.is_chief(strategy)
    check_shares(opts, strategy)
    pairs = dataset.find(input_dir, opts)
    val_pairs = validation_pairs(opts, input_dir, val_dir) if is_chief else []
    steps_per_epoch = -(-len(pairs) // opts.batch_size)
    last_step = opts.max_steps or (opts.max_epochs or 0) * steps_per_epoch
    if not last_step:
        raise cli.UserError("expected --max_epochs or --max_steps, got neither")
    beside = sidecar.read(input_dir) or sidecar.Sidecar([])  # pairs from elsewhere have none
    known = measure_target(beside, input_dir, opts)
    opts = replace(opts, drawing=beside.drawing, jitter=settle_jitter(opts, pairs, beside))
    if is_chief:
        opts = settle_precision(agree_with_folder(opts, output_dir))
    opts = settle_with_chief(opts, strategy)
    tf.keras.utils.set_random_seed(opts.seed)
    trainer = Trainer(opts, strategy)
    checkpoints = Checkpoints(output_dir, **trainer.objects())
    begun_from = None
    if is_chief:
        begun_from = checkpoints.restore() or (checkpoints.restore(start_from) if start_from else None)
        options.write(output_dir, opts, options.TRAINING)
        if known:
            known.write(output_dir)
    distribution.spread(strategy, trainer.variables())
    first_step = int(trainer.step.numpy())
    parameters = trainer.generator.count_params() / 1e6, trainer.discriminator.count_params() / 1e6
    print(f"generator {parameters[0]:.1f} M parameters, discriminator {parameters[1]:.1f} M")
    print(f"on {device(strategy)}, precision {opts.precision}")
    print(f"{len(pairs)} pairs, {steps_per_epoch} steps per epoch, {last_step} steps, seed {opts.seed}")
    if begun_from:
        print(
            f"going on from {begun_from}"
            + (": trained to the end already" if first_step >= last_step else "")
        )
    if first_step < last_step:
        batches = batches_of(strategy, pairs, opts, first_step, beside)
        validation = (
            Validation(trainer.exported, val_pairs, opts, output_dir, first_step) if val_pairs else None
        )
        Loop(trainer, checkpoints, batches, output_dir, steps_per_epoch, validation).run(
            first_step, last_step
        )
    return trainer


def measure_target(beside: sidecar.Sidecar, input_dir: Path, opts: Options) -> statistics.Target | None:
    """What is known of the target's face by the landmarks beside the pairs; None without them.

    Raises:
        UserError: if they are so far apart that what is measured could not be read again.
    """
    path = input_dir / sidecar.FILE_NAME
    if not beside.images or opts.aspect_ratio != 1:
        return None
    try:
        known = statistics.Target.measure(beside, opts.image_size)
        statistics.Target.from_json(known.to_json(), f"what was measured on {path}")
    except (np.linalg.LinAlgError, cli.UserError) as error:
        raise cli.UserError(f"expected the landmarks of one face, got others: {path} ({error})") from None
    return known


def check_shares(opts: Options, strategy: tf.distribute.Strategy) -> None:
    replicas = strategy.num_replicas_in_sync
    if opts.batch_size % replicas:
        raise cli.UserError(
            f"expected --batch_size as a multiple of {replicas}, the number of devices, got {opts.batch_size}"
        )


def validation_pairs(opts: Options, input_dir: Path, val_dir: Path | None) -> list[Path]:
    """The pairs to validate on; none if nobody asks for it or there are none.

    Raises:
        UserError: if there are none but the options need some.
    """
    folder = val_dir or default_dir(input_dir)
    if folder is None or not opts.val_freq:
        if opts.patience:
            raise cli.UserError("--patience needs pairs to validate on: give --val_dir, and no --val_freq 0")
        return []
    return dataset.find(folder, opts, "--val_dir")


def settle_precision(opts: Options) -> Options:
    """The options with `auto` replaced by what is fastest here, measured on steps of such networks."""
    if opts.precision != "auto":
        return opts

    def step_of(name: str) -> Callable[[], None]:
        trainer = Trainer(replace(opts, precision=name, ema=False))
        shape = (opts.batch_size, opts.image_size, opts.image_size)
        pair = [tf.zeros((*shape, channels)) for channels in networks.channels_of(opts)]
        return lambda: float(trainer.train_step(*pair)[0]["l1"])

    return replace(opts, precision=precision.fastest(step_of))


def settle_with_chief(opts: Options, strategy: tf.distribute.Strategy) -> Options:
    """The options with the chief's seed and precision: it has looked into the folder."""
    seed = distribution.of_chief(strategy, opts.seed or 0)
    known = options.PRECISIONS.index(opts.precision)
    return replace(opts, seed=seed, precision=options.PRECISIONS[distribution.of_chief(strategy, known)])


def device(strategy: tf.distribute.Strategy) -> str:
    """What computes, for people."""
    if gpus := tf.config.list_physical_devices("GPU"):
        names = [tf.config.experimental.get_device_details(gpu).get("device_name", gpu.name) for gpu in gpus]
        here = names[0] if strategy.num_replicas_in_sync == 1 else ", ".join(names)
    else:
        here = f"CPU, {os.cpu_count()} threads"
    replicas = strategy.num_replicas_in_sync
    return here if replicas == 1 else f"{here}, one of {replicas} devices that train together"


def batches_of(
    strategy: tf.distribute.Strategy,
    pairs: list[Path],
    opts: Options,
    first_step: int,
    beside: sidecar.Sidecar,
) -> Iterable:
    """The training's batches, those of several devices dealt out among them."""
    if strategy.num_replicas_in_sync == 1:
        return dataset.training_batches(pairs, opts, first_step, beside)

    def of_worker(context: tf.distribute.InputContext) -> tf.data.Dataset:
        worker = context.input_pipeline_id, context.num_input_pipelines
        replicas = context.num_replicas_in_sync
        return dataset.training_batches(pairs, opts, first_step, beside, worker, replicas)

    return strategy.distribute_datasets_from_function(of_worker)


def agree_with_folder(opts: Options, output_dir: Path) -> Options:
    """The given options with the seed and, for `auto`, the precision that the folder's training began with.

    Raises:
        UserError: if the folder was trained with options that cannot change.
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


def settle_jitter(opts: Options, pairs: list[Path], beside: sidecar.Sidecar) -> str:
    """The kind of jitter: for `auto`, of points where each pair has its own.

    Raises:
        UserError: if landmarks are missing that `--jitter redraw` needs.
    """
    missing = next((path for path in pairs if path.name not in beside.images), None)
    if opts.jitter == options.REDRAW and missing:
        raise cli.UserError(f"--jitter redraw needs the landmarks of each pair, got none of {missing}")
    if opts.jitter != "auto":
        return opts.jitter
    can_redraw = not missing and opts.aspect_ratio == 1 and not opts.lab_colorization
    return options.REDRAW if can_redraw else options.CROP
