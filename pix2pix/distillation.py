"""Online distillation: a small generator, the student, learns to answer as a trained one, its teacher.

The student has no discriminator. It is taught by the teacher's outputs and feature maps (OMGD, Ren et al.,
arXiv 2108.06908), and begins with the teacher's most important channels (`pruning`).
"""

import contextlib
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from face2face import cli, metrics
from face2face.metrics import Measures
from face2face.sampling import spread_indices
from face2face.target.sidecar import Sidecar, read_sidecar
from face2face.target.target_file import Target
from pix2pix import (
    dataset,
    images,
    inference,
    networks,
    norm_free,
    objectives,
    options,
    precision,
    progress,
    pruning,
)
from pix2pix.batches import training_batches
from pix2pix.interruption import Interruption
from pix2pix.optimizer import Adam
from pix2pix.options import Options
from pix2pix.trainer import named_trainable_variables
from pix2pix.validation import default_dir

LR, BETA1 = 2e-4, 0.9
WARM_UP_STEPS = 30
"""First steps, in which the learning rate rises. It stays below a line from `LR` at the first step to 0 at
the last."""

SSIM_WEIGHT = 0.5
FEATURE_WEIGHT = 0.5
"""Weights of the losses. The weight of the outputs' L1 is 1."""

FACE_WEIGHT = 12.0
"""So much more the losses of the outputs weigh near drawn landmarks: eyes, mouth, nose, outline. There the
likeness is decided, and a small generator cannot be as good everywhere."""

SMOOTH_BLOCKS = ("decoder_1_conv", "decoder_2_conv")
"""Blocks that are kept from painting lines every 2 and 4 pixels, see `norm_free.nearest_kernel`."""

EMA_DECAY = 0.995
"""Decay per step of the student's moving average, which is what is kept."""

PROGRESS_EVERY = 50
"""Steps between lines of progress in a log."""

MAX_HELD_OUT = 32
"""Largest number of drawings that the likeness is measured on."""

HELD_OUT = 0.1
"""Share of the pairs that are held out where there is no folder `val` next to a folder `train`."""


class Distiller:
    """A teacher and its student, and the step that teaches.

    Attributes:
        student: The moving average of the student's weights: a folded generator in float32.
    """

    def __init__(self, teacher: keras.Model, opts: Options, ngf: int) -> None:
        """Make the student.

        Args:
            teacher: A generator that `folding.fold` returned, without separable convolutions.
            opts: The teacher's options.
            ngf: Filters of the student's first layer, fewer than the teacher's.
        """
        native = precision.candidates()[-1]
        small = replace(opts, ngf=ngf)
        self.student = networks.generator_of(small, folded=True)
        kept = pruning.important_channels(teacher, self.student)
        pruning.prune(teacher, self.student, kept)
        with precision.policy(native):
            taught, fast_teacher = (networks.generator_of(each, folded=True) for each in (small, opts))
        taught.set_weights(self.student.get_weights())
        fast_teacher.set_weights(teacher.get_weights())
        self._trained = taught
        reads_landmarks = opts.jitter == options.REDRAW and opts.paints_photos
        self._face_weight = FACE_WEIGHT if reads_landmarks else 0.0
        self._teacher, self._student = (_with_features(network, kept) for network in (fast_teacher, taught))
        # Each projection begins by mapping the student's channels to those of the teacher that they were.
        self._projections = {
            name: tf.Variable(np.eye(teacher.get_layer(name).filters, dtype=np.float32)[channels])
            for name, channels in kept.items()
        }
        self._optimizer = Adam(
            named_trainable_variables(taught) | self._projections,
            BETA1,
            scaled=native == "mixed_float16",
            lr_factors=_lr_factors(taught),
        )
        self._lr = tf.Variable(LR, trainable=False)

    def set_lr(self, step: int, last_step: int) -> None:
        """Set the learning rate of the step that follows `step` steps."""
        self._lr.assign(LR * min((step + 1) / WARM_UP_STEPS, (last_step - step) / last_step))

    @tf.function(autograph=False)
    def step(self, drawings: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Do one step.

        Args:
            drawings: float32 (N, S, S, C) in [-1, 1].

        Returns:
            The mean absolute difference of the outputs, unweighted, and the weighted sum of all losses.
        """
        faces, features = self._teacher(drawings, training=False)
        weights = objectives.face_weights(drawings, self._face_weight)
        with tf.GradientTape() as tape:
            outputs, own = self._student(drawings, training=True)
            loss = objectives.l1(faces, outputs, weights)
            loss += SSIM_WEIGHT * objectives.dissimilarity(faces, outputs, weights)
            loss += FEATURE_WEIGHT * self._feature_loss(features, own)
            scaled = self._optimizer.scaled(loss)
        self._optimizer.step(tape, scaled, self._lr)
        for name in SMOOTH_BLOCKS:
            kernel = self._trained.get_layer(name).kernel
            kernel.assign(norm_free.nearest_kernel(kernel.value))
        return objectives.l1(faces, outputs), loss

    def _feature_loss(self, teacher: dict[str, tf.Tensor], student: dict[str, tf.Tensor]) -> tf.Tensor:
        """Mean L1 between the teacher's feature maps and the student's projected ones.

        It is relative to the mean absolute value of each map, so that all count alike.
        """
        losses = []
        for name, projection in self._projections.items():
            projected = tf.tensordot(student[name], tf.cast(projection, student[name].dtype), 1)
            magnitude = tf.reduce_mean(tf.abs(tf.cast(teacher[name], tf.float32)))
            losses.append(objectives.l1(teacher[name], projected) / tf.maximum(magnitude, 1e-6))
        return tf.add_n(losses) / len(losses)

    def update_ema(self, step: int) -> None:
        """Move the average towards the student after a step; with a smaller decay in the first steps."""
        self._update_ema(tf.constant(min(EMA_DECAY, step / (step + 10)), tf.float32))

    @tf.function(autograph=False)
    def _update_ema(self, decay: tf.Tensor) -> None:
        for mean, new in zip(self.student.variables, self._trained.variables, strict=True):
            mean.assign(mean + (1 - decay) * (new - mean))


def _lr_factors(network: keras.Model) -> dict[str, float]:
    """As in `networks.lr_factors`: each kernel learns in proportion to its own deviation at the start."""
    return {
        f"{layer.name}/kernel": float(np.std(layer.kernel.numpy())) / networks.KERNEL_DEVIATION
        for layer in network.layers
        if hasattr(layer, "kernel")
    }


def _with_features(network: keras.Model, names: Iterable[str]) -> keras.Model:
    """A model with the same layers that returns (faces, {name of a layer: its outputs})."""
    return keras.Model(network.input, (network.output, {n: network.get_layer(n).output for n in names}))


def distil(
    teacher: keras.Model,
    opts: Options,
    target: Target | None,
    ngf: int,
    pairs: Path,
    last_step: int,
    seed: int,
    save: Callable[[keras.Model], None],
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
        save: Writes the student. After a signal it gets the student so far, if a step has been done.

    Returns:
        The mean likeness of the student's faces to the teacher's, on drawings that were held out.

    Raises:
        UserError: If the pairs are not of the teacher's kind, or if the losses are not finite.
        KeyboardInterrupt: After a signal; the student so far has been saved.
        BrokenPipeError: If nobody reads what is printed any more; likewise.
    """
    taught, held_out = split(dataset.find_pairs(pairs, opts.aspect_ratio, "--pairs"), pairs, opts)
    sidecar = read_sidecar(pairs) or Sidecar([], drawing=opts.drawing)
    if sidecar.drawing != opts.drawing:
        raise cli.UserError(
            f"expected --pairs with drawings in the style {opts.drawing}, got {sidecar.drawing}: {pairs}"
        )
    has_landmarks = opts.aspect_ratio == 1 and all(path.name in sidecar.images for path in taught)
    jitter = options.REDRAW if has_landmarks else options.CROP
    opts = replace(opts, seed=seed, batch_size=1, jitter=jitter)
    keras.utils.set_random_seed(seed)
    distiller = Distiller(teacher, opts, ngf)
    to_draw = dataset.landmarks_to_draw(sidecar, target, opts)
    drawings = (inputs for inputs, _ in training_batches(taught, opts, 0, to_draw))
    print(f"{len(taught)} pairs, {last_step} steps, seed {seed}; drawings held out: {len(held_out)}")
    with Interruption() as interruption:
        step = _run(distiller, drawings, last_step, interruption)
        if step:
            save(distiller.student)
        if step < last_step:
            kept = "the student so far is kept" if step else "nothing is changed"
            interruption.call(print, f"stopped after {step} of {last_step} steps: {kept}")
    interruption.reraise()
    return likeness(teacher, distiller.student, held_out, opts, target)


def _run(
    distiller: Distiller, drawings: Iterator[tf.Tensor], last_step: int, interruption: Interruption
) -> int:
    """Do all steps, or those until a signal comes; return how many were done."""
    step = 0
    bar = cli.progress(last_step, "teaching", "steps", log_seconds=math.inf)
    with contextlib.ExitStack() as at_end:
        at_end.callback(interruption.call, bar.close)
        while step < last_step and not interruption.is_requested:
            distiller.set_lr(step, last_step)
            l1, loss = distiller.step(next(drawings))
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
    return step


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
