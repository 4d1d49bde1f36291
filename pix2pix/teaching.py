"""Teaches a student on the drawings of a folder of pairs (`distillation`), and measures what it learned."""

import contextlib
import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import keras
import tensorflow as tf

from face2face import cli, metrics
from face2face.metrics import Measures
from face2face.sampling import spread_indices
from face2face.target.sidecar import Sidecar, read_sidecar
from face2face.target.target_file import Target
from pix2pix import dataset, images, inference, options, progress, target_of_pairs
from pix2pix.batches import training_batches
from pix2pix.checkpoints import reason_of
from pix2pix.distillation import Distiller
from pix2pix.interruption import Interruption
from pix2pix.options import Options
from pix2pix.validation import default_dir

PROGRESS_EVERY = 50
"""Steps between lines of progress in a log."""

MAX_HELD_OUT = 32
"""Largest number of drawings that the likeness is measured on."""

HELD_OUT = 0.1
"""Share of the pairs that are held out where there is no folder `val` next to a folder `train`."""


def teach(
    teacher: keras.Model,
    opts: Options,
    target: Target | None,
    ngf: int,
    pairs: Path,
    last_step: int,
    seed: int,
    save: Callable[[keras.Model, bool], Path],
) -> Measures:
    """Teach a student on the drawings of a folder of pairs, moved at random as in training, and save it.

    Args:
        teacher: The trained generator, as in `Distiller`.
        opts: The options of the teacher's training.
        target: The teacher's target; None if it is unknown.
        ngf: Filters of the student's first layer.
        pairs: Folder of combined pairs. Their pictures are not used: the teacher's take their place.
        last_step: Number of steps, of one drawing each.
        seed: Of the drawings' order and motion.
        save: Writes the student, given whether it was taught to the end, and returns the folder. If the
            teaching ends early, it gets the student so far, if a step has been done.

    Returns:
        The mean likeness of the student's faces to the teacher's, on drawings that were held out.

    Raises:
        UserError: If the pairs are not of the teacher's kind, if the losses are not finite, or if a step
            fails or a pair cannot be read any more; in the last case the student so far has been saved.
        KeyboardInterrupt: After a signal; the student so far has been saved.
        BrokenPipeError: If nobody reads what is printed any more; likewise.
    """
    taught, held_out = split(dataset.find_pairs(pairs, opts.aspect_ratio, "--pairs"), pairs, opts)
    sidecar = read_sidecar(pairs) or Sidecar([], drawing=opts.drawing)
    if sidecar.drawing != opts.drawing:
        raise cli.UserError(
            f"expected --pairs with drawings in the style {opts.drawing}, got {sidecar.drawing}: {pairs}"
        )
    target_of_pairs.check_pairs(target, pairs, sidecar)
    has_landmarks = opts.aspect_ratio == 1 and all(path.name in sidecar.images for path in taught)
    jitter = options.REDRAW if has_landmarks else options.CROP
    opts = replace(opts, seed=seed, batch_size=1, jitter=jitter)
    keras.utils.set_random_seed(seed)
    distiller = Distiller(teacher, opts, ngf)
    to_draw = dataset.landmarks_to_draw(sidecar, target, opts)
    drawings = (inputs for inputs, _ in training_batches(taught, opts, 0, to_draw))
    print(f"{len(taught)} pairs, {last_step} steps, seed {seed}; drawings held out: {len(held_out)}")
    with Interruption() as interruption:
        step, error = _run(distiller, drawings, last_step, interruption)
        folder = save(distiller.ema_student, step == last_step) if step else None
        kept = f"the student so far is in {folder}" if step else "nothing is changed"
        stopped = f"stopped after {step} of {last_step} steps: {kept}"
        if error is not None:
            raise cli.UserError(f"{stopped} ({reason_of(error)})")
        if step < last_step:
            interruption.call(print, stopped)
    interruption.reraise()
    return likeness(teacher, distiller.ema_student, held_out, opts, target)


def _run(
    distiller: Distiller, drawings: Iterator[tf.Tensor], last_step: int, interruption: Interruption
) -> tuple[int, tf.errors.OpError | None]:
    """Do all steps, or those until a signal comes or a drawing cannot be made.

    Returns:
        How many were done, and why no further drawing could be made; None if it could.

    Raises:
        UserError: If a step fails, or its losses are not finite.
    """
    step, error = 0, None
    bar = cli.progress(last_step, "teaching", "steps", log_seconds=math.inf)
    with contextlib.ExitStack() as at_end:
        at_end.callback(interruption.call, bar.close)
        while step < last_step and not interruption.is_requested:
            try:
                drawing = next(drawings)
            except tf.errors.OpError as reason:  # a pair is gone, say
                error = reason
                break
            distiller.set_lr(step, last_step)
            try:
                l1, loss = distiller.step(drawing)
            except tf.errors.OpError as reason:
                failed = f"step {step + 1} failed: no student is written ({reason_of(reason)})"
                raise cli.UserError(failed) from None
            step += 1
            distiller.update_ema(step)
            if progress.is_due(step, progress.LOSSES_EVERY) or step in (1, last_step):
                _check_finite(loss, step)
                bar.set_postfix_str(f"L1 {images.HALF_RANGE * float(l1):.1f} of 255", refresh=False)
            interruption.call(bar.update)
            if progress.is_due(step, PROGRESS_EVERY):
                interruption.call(bar.refresh)
    if step:
        _check_finite(loss, step)  # a signal may have come before it was read
    return step, error


def _check_finite(loss: tf.Tensor, step: int) -> None:
    """Raise `UserError` if a step's loss is not finite."""
    if not math.isfinite(float(loss)):
        raise cli.UserError(f"the losses are no longer finite at step {step}: no student is written")


def split(found: list[Path], folder: Path, opts: Options) -> tuple[list[Path], list[Path]]:
    """Divide pairs into those to teach on, and those to measure the likeness on.

    The latter are spread evenly over the folder `val` next to a folder `train`, or, where there is none, over
    the pairs themselves.

    Raises:
        UserError: If there is a single pair.
    """
    if (beside := default_dir(folder)) is not None:
        others = dataset.find_pairs(beside, opts.aspect_ratio, "--pairs")
        return found, [others[i] for i in spread_indices(len(others), min(MAX_HELD_OUT, len(others)))]
    if len(found) < 2:
        raise cli.UserError(f"expected two pairs or more, got one: {found[0]}")
    count = min(MAX_HELD_OUT, math.ceil(HELD_OUT * len(found)))
    held_out = {found[i] for i in spread_indices(len(found), count)}
    return [path for path in found if path not in held_out], sorted(held_out)


def likeness(
    teacher: keras.Model,
    student: keras.Model,
    pairs: list[Path],
    opts: Options,
    target: Target | None = None,
) -> Measures:
    """Compare the faces of two generators on the drawings of a folder's pairs: means over all of them."""
    of_teacher, of_student = inference.predictor(teacher), inference.predictor(student)
    to_draw = dataset.landmarks_without_irises(pairs[0].parent, target, opts)
    drawings = [dataset.read_normalised(path, opts, to_draw)[0] for path in pairs]
    return metrics.mean(
        [
            metrics.compare(images.denormalise(of_student(x)), images.denormalise(of_teacher(x)))
            for x in drawings
        ]
    )
