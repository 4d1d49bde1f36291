"""A whole training, new or resumed: from a folder of pairs and options to the last step."""

import contextlib
import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import tensorflow as tf

from face2face import cli, files
from face2face.face.drawing import ORIGINAL_DRAWING
from face2face.target.plate import write_plate
from face2face.target.sidecar import Sidecar, read_sidecar
from pix2pix import (
    dataset,
    distribution,
    fine_tuning,
    networks,
    options,
    plate_of_pairs,
    precision,
    report,
    target_of_pairs,
    validation,
)
from pix2pix.batches import training_batches
from pix2pix.checkpoints import Checkpoints, check_state
from pix2pix.loop import Loop
from pix2pix.options import Options
from pix2pix.trainer import Trainer
from pix2pix.validation import Validation, default_dir

Choice = TypeVar("Choice", str, bool)


def train(
    opts: Options,
    input_dir: Path,
    output_dir: Path,
    start_from: Path | None = None,
    val_dir: Path | None = None,
) -> Trainer:
    """Train on the pairs of a folder until the last step, or resume the training in `output_dir`.

    Args:
        opts: The options of the training.
        input_dir: Folder of combined pairs.
        output_dir: The training folder.
        start_from: Another training folder, whose newest weights a new training begins with.
        val_dir: Folder of pairs to validate on; None: the folder `val` next to a folder `train`.

    Returns:
        The trainer after the last step.

    Raises:
        UserError: If the input is not what the options need.
        KeyboardInterrupt: After a signal; the state has been saved.
        loop.Stopped: If losses or weights are not finite, or a device fails.
    """
    check_state(output_dir)
    strategy = distribution.strategy(opts.strategy)
    is_chief = distribution.is_chief(strategy)
    check_batch_size(opts, strategy)
    pairs = dataset.find(input_dir, opts)
    val_pairs = validation_pairs(opts, input_dir, val_dir) if is_chief else []
    steps_per_epoch = -(-len(pairs) // opts.batch_size)
    last_step = opts.max_steps or (opts.max_epochs or 0) * steps_per_epoch
    if not last_step:
        raise cli.UserError("expected --max_epochs or --max_steps, got neither")
    sidecar = read_sidecar(input_dir) or Sidecar([])  # pairs from elsewhere have none
    known = dataset.in_model_space(sidecar, pairs, opts)
    target = target_of_pairs.measure(known, input_dir, opts)
    plate = plate_of_pairs.measure(pairs, known, target, opts) if is_chief else None
    opts = resolve_by_pairs(opts, pairs, sidecar, output_dir)
    to_draw = dataset.landmarks_to_draw(sidecar, target, opts)
    with contextlib.ExitStack() as held:
        if is_chief:
            if start_from is not None:
                fine_tuning.check_networks(opts, start_from)
            opts = resume_options(opts, output_dir)
            held.enter_context(files.only_writer(output_dir, "--output_dir"))
            check_outputs(opts, output_dir, bool(val_pairs))
            target_of_pairs.check(target, output_dir)
            opts = resolve_precision(opts)
        opts = synchronise_with_chief(opts, strategy)
        tf.keras.utils.set_random_seed(opts.seed)
        trainer = Trainer(opts, strategy)
        checkpoints = Checkpoints(output_dir, **trainer.objects())
        origin = restore_weights(trainer, checkpoints, start_from, is_chief)
        first_step = int(trainer.step.numpy())
        is_finished = first_step >= last_step
        if is_chief and not is_finished:  # a training that is finished keeps what describes it
            options.write(output_dir, opts, options.TRAINING)
            if target:
                target.write(output_dir)
            write_plate(output_dir, plate)
        print_networks(trainer)
        print(f"{len(pairs)} pairs, {steps_per_epoch} steps per epoch, {last_step} steps, seed {opts.seed}")
        if origin:
            print(origin + (": trained to the end already" if is_finished else ""))
        if not is_finished:
            batches = distributed_batches(strategy, pairs, opts, first_step, to_draw)
            measuring = (
                Validation(trainer.exported, val_pairs, opts, output_dir, first_step) if val_pairs else None
            )
            loop = Loop(trainer, checkpoints, batches, output_dir, steps_per_epoch, measuring)
            loop.run(first_step, last_step)
    return trainer


def restore_weights(
    trainer: Trainer, checkpoints: Checkpoints, start_from: Path | None, is_chief: bool
) -> str:
    """Restore the training in the folder, or begin with the weights of another one; on all workers.

    Returns:
        Where the weights come from, for people; "" of new ones, and on workers that are not the chief.

    Raises:
        UserError: If a checkpoint is damaged, or of other networks.
    """
    origin = ""
    if is_chief:
        if path := checkpoints.restore():
            origin = f"going on from {path}"
        elif start_from is not None:
            origin = fine_tuning.begin(trainer, start_from)
    distribution.broadcast_variables(trainer.strategy, trainer.variables())
    return origin


def print_networks(trainer: Trainer) -> None:
    """Tell people the size of the networks, and where and how they are computed."""
    generator, discriminator = (
        network.count_params() / 1e6 for network in (trainer.generator, trainer.discriminator)
    )
    print(f"generator {generator:.1f} M parameters, discriminator {discriminator:.1f} M")
    print(f"on {distribution.describe(trainer.strategy)}, precision {trainer.options.precision}")


def check_outputs(opts: Options, output_dir: Path, validates: bool) -> None:
    """Raise `UserError` if what is written during the training would replace what is not ours."""
    if validates:
        validation.check_outputs(output_dir)
        files.check_folder(output_dir / options.BEST)
    if opts.display_freq:
        files.check_replaceable(output_dir / report.PAGE, report.is_page)
        files.check_folder(output_dir / report.IMAGES)


def resolve_by_pairs(opts: Options, pairs: list[Path], sidecar: Sidecar, output_dir: Path) -> Options:
    """Set the options that depend on the pairs' landmarks: style of the drawings, jitter, face weight.

    Raises:
        UserError: If landmarks are missing that `--jitter redraw` needs.
    """
    return replace(
        opts,
        drawing=sidecar.drawing if sidecar.images else drawing_without_sidecar(output_dir),
        jitter=resolve_jitter(opts, pairs, sidecar),
        face_weight=resolve_face_weight(opts, pairs, sidecar),
    )


def drawing_without_sidecar(output_dir: Path) -> str:
    """Drawing style of pairs without a sidecar: that of the training in `output_dir`, else the original's."""
    is_resumed = options.has_stage(output_dir, options.TRAINING)
    return options.read(output_dir, options.TRAINING).drawing if is_resumed else ORIGINAL_DRAWING


def check_batch_size(opts: Options, strategy: tf.distribute.Strategy) -> None:
    """Raise `UserError` if the devices cannot share each batch evenly."""
    replicas = strategy.num_replicas_in_sync
    if opts.batch_size % replicas:
        raise cli.UserError(
            f"expected --batch_size as a multiple of {replicas}, the number of devices, got {opts.batch_size}"
        )


def validation_pairs(opts: Options, input_dir: Path, val_dir: Path | None) -> list[Path]:
    """Find the pairs to validate on; an empty list if there are none, or with `--val_freq 0`.

    Raises:
        UserError: If there are none although `--patience` needs some.
    """
    folder = val_dir or default_dir(input_dir)
    if val_dir is not None and not opts.val_freq:
        raise cli.UserError("expected --val_freq above 0 with --val_dir, got 0")
    if folder is None or not opts.val_freq:
        if opts.patience:
            raise cli.UserError("--patience needs pairs to validate on: give --val_dir, and no --val_freq 0")
        return []
    return dataset.find(folder, opts, "--val_dir")


def resolve_precision(opts: Options) -> Options:
    """Replace the precision `auto` by the fastest on this device, measured on steps of these networks."""
    if opts.precision != "auto":
        return opts

    def step_of(name: str) -> Callable[[], None]:
        trainer = Trainer(replace(opts, precision=name, ema=False))
        shape = (opts.batch_size, opts.image_size, opts.image_size)
        pair = [tf.zeros((*shape, channels)) for channels in networks.channels_of(opts)]
        return lambda: float(trainer.train_step(*pair)[0]["l1"])

    return replace(opts, precision=precision.fastest(step_of))


def synchronise_with_chief(opts: Options, strategy: tf.distribute.Strategy) -> Options:
    """Set what only the chief has read from the training folder on all workers."""

    def of_chief(choices: Sequence[Choice], value: Choice) -> Choice:
        return choices[distribution.broadcast_from_chief(strategy, choices.index(value))]

    return replace(
        opts,
        seed=distribution.broadcast_from_chief(strategy, opts.seed or 0),
        precision=of_chief(options.PRECISIONS, opts.precision),
        statistics=of_chief(options.STATISTICS, opts.statistics),
        light_head=of_chief((False, True), opts.light_head),
    )


def distributed_batches(
    strategy: tf.distribute.Strategy,
    pairs: list[Path],
    opts: Options,
    first_step: int,
    to_draw: Sidecar,
) -> Iterable:
    """Make the training's batches; with several devices, each gets its part of a batch."""
    if strategy.num_replicas_in_sync == 1:
        return training_batches(pairs, opts, first_step, to_draw)

    def of_worker(context: tf.distribute.InputContext) -> tf.data.Dataset:
        worker = context.input_pipeline_id, context.num_input_pipelines
        replicas = context.num_replicas_in_sync
        return training_batches(pairs, opts, first_step, to_draw, worker, replicas)

    return strategy.distribute_datasets_from_function(of_worker)


def resume_options(opts: Options, output_dir: Path) -> Options:
    """Take over the seed and, for `auto`, the precision of the training in the folder, if there is one.

    Raises:
        UserError: If an option differs that cannot change when a training is resumed.
    """
    output_dir.mkdir(parents=True, exist_ok=True)
    if (output_dir / options.FILE_NAME).is_file():
        saved = options.read(output_dir, options.TRAINING)
        opts = keep_networks(opts, saved)
        if conflicts := options.conflicts(saved, opts):
            raise cli.UserError(f"{output_dir} was trained with other options: {'; '.join(conflicts)}")
        if opts.seed is None:
            opts = replace(opts, seed=saved.seed)
        if opts.precision == "auto":
            opts = replace(opts, precision=saved.precision)
    return opts if opts.seed is not None else replace(opts, seed=random.randrange(2**31))


def keep_networks(opts: Options, saved: Options) -> Options:
    """Keep the networks of a training of an older version: its weights are of no use in others."""
    statistics = saved.statistics if saved.statistics == options.MOVING else opts.statistics
    return replace(opts, statistics=statistics, light_head=saved.light_head)


def resolve_face_weight(opts: Options, pairs: list[Path], sidecar: Sidecar) -> float:
    """The weight near what is drawn; 0 unless all inputs are drawings: only there is dark "not drawn"."""
    if opts.paints_photos and all(path.name in sidecar.images for path in pairs):
        return opts.face_weight
    if opts.face_weight not in (0, Options.face_weight):
        cli.warn("--face_weight has no effect: it needs pairs with landmarks, and --which_direction AtoB")
    return 0.0


def resolve_jitter(opts: Options, pairs: list[Path], sidecar: Sidecar) -> str:
    """Replace the jitter `auto`: redraw where each pair has landmarks, else crop.

    Raises:
        UserError: If landmarks are missing that `--jitter redraw` needs.
    """
    missing = next((path for path in pairs if path.name not in sidecar.images), None)
    if opts.jitter == options.REDRAW and missing:
        raise cli.UserError(f"--jitter redraw needs the landmarks of each pair, got none of {missing}")
    if opts.jitter != "auto":
        return opts.jitter
    if missing or opts.aspect_ratio != 1 or opts.lab_colorization:
        for name in options.OF_REDRAW:
            if getattr(opts, name) not in (0, getattr(Options, name)):
                cli.warn(f"--{name} has no effect: it needs landmarks, which these pairs lack")
        return options.CROP
    if opts.scale_size != options.default_scale_size(opts.image_size):
        cli.warn("--scale_size has no effect: the pairs have landmarks, which --jitter auto redraws")
    return options.REDRAW
