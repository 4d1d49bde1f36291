"""The networks in training: their losses and the train step (Isola et al., arXiv 1611.07004)."""

import tensorflow as tf

from pix2pix import distribution, networks, objectives, precision
from pix2pix.checkpoints import AVERAGE, by_name
from pix2pix.optimizer import Adam
from pix2pix.options import Options

EMA_DECAY = 0.999
"""Of `--ema`, for each step: the average spans about the last thousand steps."""

EMA_EVERY = 10
"""Steps from one update of the average to the next: it reads all weights, which takes a tenth of a step."""


class Trainer:
    """Both networks and their optimisers, with copies on all devices of a strategy."""

    def __init__(self, opts: Options, strategy: tf.distribute.Strategy | None = None):
        self.options = opts
        self.strategy = strategy or tf.distribute.get_strategy()
        with self.strategy.scope():
            self._make(opts)

    def _make(self, opts: Options) -> None:
        with precision.policy(opts.precision):
            self.generator = networks.generator_of(opts)
            channels = networks.channels_of(opts)
            self.discriminator = networks.discriminator(opts.image_size, opts.ndf, channels)
        self.judge = networks.with_features(self.discriminator)
        self.lr = tf.Variable(opts.lr, trainable=False)
        self.generator_optimizer, self.discriminator_optimizer = (
            Adam(trained_variables(network), opts.beta1, scaled=opts.precision == "mixed_float16")
            for network in (self.generator, self.discriminator)
        )
        self.step = tf.Variable(0, dtype=tf.int64, trainable=False)
        self.bad_step = tf.Variable(0, dtype=tf.int64, trainable=False)
        self.average = networks.generator_of(opts) if opts.ema else None

    @property
    def exported(self):
        """The generator whose weights are validated, tested and reduced."""
        return self.average or self.generator

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

    def variables(self) -> list[tf.Variable]:
        """All that training changes, the same list on all workers."""
        nets = [self.generator, self.discriminator] + ([self.average] if self.average else [])
        optimizers = (self.generator_optimizer, self.discriminator_optimizer)
        of_optimizers = [v for optimizer in optimizers for v in optimizer.variables]
        return [*(v.value for net in nets for v in net.variables), *of_optimizers, self.step]

    def build(self) -> None:
        """Trace the train step ahead of the first, which takes some seconds."""
        if self.strategy.num_replicas_in_sync > 1:
            return  # batches of several devices have no common signature
        size = self.options.image_size
        pair = [
            tf.TensorSpec((self.options.batch_size, size, size, channels), tf.float32)
            for channels in networks.channels_of(self.options)
        ]
        self.train_step.get_concrete_function(*pair)

    @tf.function
    def _is_finite(self) -> tf.Tensor:
        weights = [*self.generator.trainable_variables, *self.discriminator.trainable_variables]
        return tf.reduce_all([tf.reduce_all(tf.math.is_finite(v.value)) for v in weights])

    def is_finite(self) -> bool:
        """Whether all weights are numbers."""
        return bool(self._is_finite())

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
        self.strategy.run(self._move_average, (decay,))

    def _move_average(self, decay: tf.Tensor) -> None:
        for mean, new in zip(self.average.variables, self.generator.variables, strict=True):
            if mean.dtype == "float32":
                distribution.assign(mean.value, mean + (1 - decay) * (new - mean))

    @tf.function
    def train_step(self, inputs: tf.Tensor, targets: tf.Tensor) -> tuple[dict, tf.Tensor]:
        """One step of both networks on a batch, (N, S, S, C) each; returns the losses and the outputs.

        Of several devices each computes its part of the batch; the losses are their mean.
        """
        losses, outputs = self.strategy.run(self._step_on_device, (inputs, targets))
        local = self.strategy.experimental_local_results
        return {name: local(loss)[0] for name, loss in losses.items()}, local(outputs)[0]

    def _step_on_device(self, inputs: tf.Tensor, targets: tf.Tensor) -> tuple[dict, tf.Tensor]:
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
        losses = {"discriminator": discriminator_loss, **generator}
        losses = dict(zip(losses, distribution.all_reduce_mean(list(losses.values())), strict=True))
        distribution.assign(self.step, self.step + 1)
        is_bad = ~tf.reduce_all(tf.math.is_finite(list(losses.values()))) & (self.bad_step == 0)
        distribution.assign(self.bad_step, tf.where(is_bad, self.step, self.bad_step))
        return losses, outputs


def trained_variables(network) -> dict[str, tf.Variable]:
    """By LAYER/VARIABLE."""
    return {
        f"{layer.name}/{variable.name}": variable.value
        for layer in network.layers
        for variable in layer.trainable_variables
    }
