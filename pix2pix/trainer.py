"""The networks in training: their losses and the train step (Isola et al., arXiv 1611.07004)."""

from collections.abc import Iterator

import keras
import numpy as np
import tensorflow as tf

from pix2pix import diagnostics, distribution, networks, objectives, precision
from pix2pix.checkpoints import EMA_GENERATOR, named_variables
from pix2pix.optimizer import Adam
from pix2pix.options import Options

EMA_DECAY = 0.999
"""Decay per step of the moving average (`--ema`): it spans about the last thousand steps."""

EMA_EVERY = 10
"""Steps between two updates of the moving average. An update reads all weights: a tenth of a step's time."""


class Trainer:
    """Generator, discriminator and their optimisers, with copies on all devices of a strategy.

    Attributes:
        options: The options of the training.
        strategy: The devices that the networks are on.
        generator: The U-Net that is trained.
        discriminator: The PatchGAN that is trained.
        discriminator_with_features: The same discriminator, which also returns its feature maps.
        ema_generator: A generator with the moving average of `generator`'s weights; None without `--ema`.
        step: Number of steps done, int64.
        first_bad_step: First step whose losses were not finite, int64; 0 if there is none.
    """

    def __init__(self, opts: Options, strategy: tf.distribute.Strategy | None = None) -> None:
        self.options = opts
        self.strategy = strategy or tf.distribute.get_strategy()
        with self.strategy.scope():
            self._make(opts)

    def _make(self, opts: Options) -> None:
        with precision.policy(opts.precision):
            self.generator = networks.generator_of(opts)
            channels = networks.channels_of(opts)
            self.discriminator = networks.discriminator(opts.image_size, opts.ndf, channels)
        self.discriminator_with_features = networks.with_features(self.discriminator)
        self.lr = tf.Variable(opts.lr, trainable=False)
        self.generator_optimizer, self.discriminator_optimizer = (
            Adam(
                named_trainable_variables(network),
                opts.beta1,
                opts.beta2,
                scaled=opts.precision == "mixed_float16",
                lr_factors=networks.lr_factors(network),
            )
            for network in (self.generator, self.discriminator)
        )
        self.step = tf.Variable(0, dtype=tf.int64, trainable=False)
        self.first_bad_step = tf.Variable(0, dtype=tf.int64, trainable=False)
        self.ema_generator = networks.generator_of(opts) if opts.ema else None

    @property
    def exported(self) -> keras.Model:
        """The generator whose weights are validated, tested and reduced."""
        return self.ema_generator or self.generator

    def objects(self) -> dict[str, object]:
        """What a checkpoint holds, by name. The names are part of the file format."""
        objects = {
            "generator": named_variables(self.generator),
            "discriminator": named_variables(self.discriminator),
            "generator_optimizer": self.generator_optimizer,
            "discriminator_optimizer": self.discriminator_optimizer,
            "step": self.step,
        }
        if self.ema_generator:
            objects[EMA_GENERATOR] = named_variables(self.ema_generator)
        return objects

    def variables(self) -> list[tf.Variable]:
        """All variables that training changes, in the same order on all workers."""
        nets = [self.generator, self.discriminator] + ([self.ema_generator] if self.ema_generator else [])
        optimizers = (self.generator_optimizer, self.discriminator_optimizer)
        of_optimizers = [v for optimizer in optimizers for v in optimizer.variables]
        return [*(v.value for net in nets for v in net.variables), *of_optimizers, self.step]

    def build(self) -> None:
        """Trace the train step before the first step, because tracing takes some seconds."""
        if self.strategy.num_replicas_in_sync > 1:
            return  # the batches of several devices have no common signature
        size = self.options.image_size
        pair = [
            tf.TensorSpec((self.options.batch_size, size, size, channels), tf.float32)
            for channels in networks.channels_of(self.options)
        ]
        self.train_step.get_concrete_function(*pair)

    def patch_scores(self, inputs: tf.Tensor, faces: tf.Tensor) -> np.ndarray:
        """The discriminator's patch scores of a pair: as in `diagnostics.patch_scores`."""
        return diagnostics.patch_scores(self.discriminator, self.options.gan_loss == "lsgan", inputs, faces)

    def distributions(self) -> Iterator[tuple[str, tf.Variable]]:
        """Weights and running means of their gradients: as in `diagnostics.distributions`."""
        for network, optimizer in (
            (self.generator, self.generator_optimizer),
            (self.discriminator, self.discriminator_optimizer),
        ):
            yield from diagnostics.distributions(network, optimizer)

    def is_finite(self) -> bool:
        """Whether all weights are finite."""
        weights = [*self.generator.trainable_variables, *self.discriminator.trainable_variables]
        return all(bool(tf.reduce_all(tf.math.is_finite(v.value))) for v in weights)

    def set_lr(self, step: int, last_step: int) -> None:
        """Set the learning rate: constant, then linear to 0 over the last `lr_decay` of the training."""
        decaying_steps = max(self.options.lr_decay * last_step, 1.0)
        self.lr.assign(self.options.lr * min(1.0, (last_step - step) / decaying_steps))

    def update_ema(self, step: int) -> None:
        """Move the EMA generator towards the generator; with a smaller decay in the first updates."""
        if self.ema_generator is not None and step % EMA_EVERY == 0:
            updates = step / EMA_EVERY
            decay = min(EMA_DECAY**EMA_EVERY, updates / (updates + 10))
            self._update_ema(tf.constant(decay, tf.float32))

    @tf.function(autograph=False)
    def _update_ema(self, decay: tf.Tensor) -> None:
        self.strategy.run(self._update_ema_on_device, (decay,))

    def _update_ema_on_device(self, decay: tf.Tensor) -> None:
        for mean, new in zip(self.ema_generator.variables, self.generator.variables, strict=True):
            if mean.dtype == "float32":  # others are states of dropout's random numbers
                distribution.assign(mean.value, mean + (1 - decay) * (new - mean))

    @tf.function(autograph=False)
    def train_step(self, inputs: tf.Tensor, targets: tf.Tensor) -> tuple[dict[str, tf.Tensor], tf.Tensor]:
        """Do one step of both networks. With several devices, each computes its part of the batch.

        Args:
            inputs: Drawings, float32 (N, S, S, C) in [-1, 1].
            targets: Faces, float32 (N, S, S, D) in [-1, 1].

        Returns:
            The losses by name, float32 scalars, the mean over all devices; and the generated faces of this
            process's first device, float32 (N, S, S, D) in [-1, 1].
        """
        losses, outputs = self.strategy.run(self._step_on_device, (inputs, targets))
        local = self.strategy.experimental_local_results
        return {name: local(loss)[0] for name, loss in losses.items()}, local(outputs)[0]

    def _step_on_device(self, inputs: tf.Tensor, targets: tf.Tensor) -> tuple[dict, tf.Tensor]:
        opts = self.options
        with tf.GradientTape(persistent=True) as tape:
            outputs = self.generator(inputs, training=True)
            real_features, real = self.discriminator_with_features([inputs, targets], training=True)
            fake_features, fake = self.discriminator_with_features([inputs, outputs], training=True)
            weights = objectives.face_weights(inputs, opts.face_weight) if opts.face_weight else None
            l1 = objectives.l1(targets, outputs, weights)
            losses = {"gan": objectives.gan_loss(opts.gan_loss, fake), "l1": l1}
            generator_loss = opts.gan_weight * losses["gan"] + opts.l1_weight * losses["l1"]
            if opts.ssim_weight:
                losses["ssim"] = objectives.dissimilarity(targets, outputs, weights)
                generator_loss += opts.ssim_weight * losses["ssim"]
            if opts.artefact_weight:
                losses["artefacts"] = objectives.artefacts(targets, outputs)
                generator_loss += opts.artefact_weight * losses["artefacts"]
            if opts.feature_matching:
                losses["features"] = objectives.feature_matching(real_features, fake_features)
                generator_loss += opts.feature_matching * losses["features"]
            discriminator_loss = objectives.discriminator_loss(opts.gan_loss, real, fake)
            scaled_losses = (
                self.discriminator_optimizer.scaled(discriminator_loss),
                self.generator_optimizer.scaled(generator_loss),
            )
        self.discriminator_optimizer.step(tape, scaled_losses[0], self.lr)
        self.generator_optimizer.step(tape, scaled_losses[1], self.lr)
        losses = {"discriminator": discriminator_loss, **losses}
        losses = dict(zip(losses, distribution.all_reduce_mean(list(losses.values())), strict=True))
        distribution.assign(self.step, self.step + 1)
        is_bad = ~tf.reduce_all(tf.math.is_finite(list(losses.values()))) & (self.first_bad_step == 0)
        distribution.assign(self.first_bad_step, tf.where(is_bad, self.step, self.first_bad_step))
        return losses, outputs


def named_trainable_variables(network: keras.Model) -> dict[str, tf.Variable]:
    """A network's trained variables by LAYER/VARIABLE."""
    return {
        f"{layer.name}/{variable.name}": variable.value
        for layer in network.layers
        for variable in layer.trainable_variables
    }
