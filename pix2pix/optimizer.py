"""Adam, with the dynamic loss scaling that float16 needs.

benchmarks/step_parts.py measures what it gains over Keras's Adam.
"""

import tensorflow as tf

from pix2pix.distribution import all_reduce_mean, assign

EPSILON = 1e-8

FIRST_SCALE = 2.0**15

DOUBLED_AFTER = 2000
"""Steps without an overflow after which the loss scale is doubled."""


class Adam(tf.Module):
    """Adam (Kingma and Ba, arXiv 1412.6980) as TensorFlow's fused operation: one pass over the weights."""

    def __init__(
        self,
        variables: dict[str, tf.Variable],
        beta1: float,
        beta2: float = 0.999,
        scaled: bool = False,
        lr_factors: dict[str, float] | None = None,
    ) -> None:
        """Make the moments of all variables.

        Args:
            variables: The variables to train, by the names that their moments get in checkpoints.
            beta1: Decay of the first moment.
            beta2: Decay of the second moment. A weight whose gradients grow is changed by up to
                (1 - beta1) / sqrt(1 - beta2) learning rates in a step, until the second moment has followed:
                16 with 0.999, which a generator without normalisation did not survive, 5 with 0.99
                (Wortsman et al., arXiv 2304.13013, section 3.4, on spikes of the loss).
            scaled: Whether losses are scaled up, so that small gradients do not underflow in float16
                (Micikevicius et al., arXiv 1710.03740). A step whose gradients overflow changes no weights
                and halves the scale.
            lr_factors: Factors of the learning rate of single variables, by their names.
        """
        super().__init__()
        self._variables, self._scaled = list(variables.values()), scaled
        self._beta1, self._beta2 = beta1, beta2
        self._lr_factors = [(lr_factors or {}).get(name, 1.0) for name in variables]

        def moments() -> dict[str, tf.Variable]:
            return {name: tf.Variable(tf.zeros_like(v), trainable=False) for name, v in variables.items()}

        self.mean, self.square = moments(), moments()
        self.beta1_power = tf.Variable(beta1, trainable=False)
        self.beta2_power = tf.Variable(beta2, trainable=False)
        self.scale = tf.Variable(FIRST_SCALE, trainable=False)
        self.good_steps = tf.Variable(0, trainable=False)

    def scaled(self, loss: tf.Tensor) -> tf.Tensor:
        """Scale a loss for `step`."""
        return loss * self.scale if self._scaled else loss

    def step(self, tape: tf.GradientTape, loss: tf.Tensor, lr: tf.Variable) -> None:
        """Apply the gradients of a loss that `scaled` returned, averaged over all devices."""
        gradients = all_reduce_mean(tape.gradient(loss, self._variables))
        if not self._scaled:
            self._apply(gradients, lr)
            return
        gradients = [gradient / self.scale for gradient in gradients]
        are_finite = tf.reduce_all([tf.reduce_all(tf.math.is_finite(gradient)) for gradient in gradients])

        def apply() -> None:
            self._apply(gradients, lr)
            good_steps = self.good_steps + 1
            assign(self.good_steps, good_steps)
            assign(self.scale, tf.where(good_steps % DOUBLED_AFTER == 0, self.scale * 2, self.scale))

        def skip() -> None:
            assign(self.good_steps, tf.zeros_like(self.good_steps))
            assign(self.scale, tf.maximum(self.scale / 2, 1.0))

        tf.cond(are_finite, apply, skip)

    def _apply(self, gradients: list[tf.Tensor], lr: tf.Variable) -> None:
        moments = zip(self._variables, self.mean.values(), self.square.values(), strict=True)
        for (variable, mean, square), gradient, lr_factor in zip(
            moments, gradients, self._lr_factors, strict=True
        ):
            tf.raw_ops.ResourceApplyAdam(
                var=variable.handle,
                m=mean.handle,
                v=square.handle,
                beta1_power=self.beta1_power,
                beta2_power=self.beta2_power,
                lr=lr * lr_factor,
                beta1=self._beta1,
                beta2=self._beta2,
                epsilon=EPSILON,
                grad=gradient,
            )
        assign(self.beta1_power, self.beta1_power * self._beta1)
        assign(self.beta2_power, self.beta2_power * self._beta2)
