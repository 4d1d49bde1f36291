"""Online distillation: the step in which a small generator, the student, learns to answer as a trained one.

The trained one is its teacher. The student has no discriminator: it is taught by the teacher's outputs and
feature maps (OMGD, Ren et al., arXiv 2108.06908), and begins with its most important channels (`pruning`).
"""

from collections.abc import Iterable
from dataclasses import replace

import keras
import numpy as np
import tensorflow as tf

from pix2pix import networks, norm_free, objectives, options, precision, pruning
from pix2pix.optimizer import Adam
from pix2pix.options import Options
from pix2pix.trainer import named_trainable_variables

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


class Distiller:
    """A teacher and its student, and the step that teaches.

    Attributes:
        ema_student: A folded generator in float32 with the moving average of the student's weights.
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
        self.ema_student = networks.generator_of(small, folded=True)
        kept = pruning.important_channels(teacher, self.ema_student)
        pruning.prune(teacher, self.ema_student, kept)
        with precision.policy(native):
            student, fast_teacher = (networks.generator_of(each, folded=True) for each in (small, opts))
        student.set_weights(self.ema_student.get_weights())
        fast_teacher.set_weights(teacher.get_weights())
        self._student = student
        reads_landmarks = opts.jitter == options.REDRAW and opts.paints_photos
        self._face_weight = FACE_WEIGHT if reads_landmarks else 0.0
        self._teacher_with_features = _with_features(fast_teacher, kept)
        self._student_with_features = _with_features(student, kept)
        # Each projection begins by mapping the student's channels to those of the teacher that they were.
        self._projections = {
            name: tf.Variable(np.eye(teacher.get_layer(name).filters, dtype=np.float32)[channels])
            for name, channels in kept.items()
        }
        self._optimizer = Adam(
            named_trainable_variables(student) | self._projections,
            BETA1,
            scaled=native == "mixed_float16",
            lr_factors=_lr_factors(student),
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
        faces, features = self._teacher_with_features(drawings, training=False)
        weights = objectives.face_weights(drawings, self._face_weight)
        with tf.GradientTape() as tape:
            outputs, own = self._student_with_features(drawings, training=True)
            loss = objectives.l1(faces, outputs, weights)
            loss += SSIM_WEIGHT * objectives.dissimilarity(faces, outputs, weights)
            loss += FEATURE_WEIGHT * self._feature_loss(features, own)
            scaled = self._optimizer.scaled(loss)
        self._optimizer.step(tape, scaled, self._lr)
        for name in SMOOTH_BLOCKS:
            kernel = self._student.get_layer(name).kernel
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
        for mean, new in zip(self.ema_student.variables, self._student.variables, strict=True):
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
