"""The interface between the training loop and a trainer."""

from collections.abc import Iterator
from typing import Protocol

import numpy as np
import tensorflow as tf

from pix2pix.options import Options


class TrainingStep(Protocol):
    """What the loop needs of a trainer.

    Attributes:
        options: The options of the training.
        strategy: The devices that the networks are on.
        step: Number of steps done, int64.
        first_bad_step: First step whose losses were not finite, int64; 0 if there is none.
    """

    options: Options
    strategy: tf.distribute.Strategy
    step: tf.Variable
    first_bad_step: tf.Variable

    def build(self) -> None:
        """Trace the train step, so that the first step takes no longer than the others."""

    def set_lr(self, step: int, last_step: int) -> None:
        """Set the learning rate of the step that follows `step` steps."""

    def train_step(self, inputs: tf.Tensor, targets: tf.Tensor) -> tuple[dict[str, tf.Tensor], tf.Tensor]:
        """Do one step on a batch, float32 (N, S, S, C) in [-1, 1]; return the losses and the outputs."""

    def patch_scores(self, inputs: tf.Tensor, faces: tf.Tensor) -> np.ndarray:
        """The discriminator's patch scores of a pair, float32 (1, S, S, C): uint8 (P, P, 1), 255 for real."""

    def distributions(self) -> Iterator[tuple[str, tf.Variable]]:
        """The weights, and the running means of their gradients, by name."""

    def update_ema(self, step: int) -> None:
        """Update the EMA generator, if the training has one and the update is due."""

    def is_finite(self) -> bool:
        """Whether all weights are finite."""
