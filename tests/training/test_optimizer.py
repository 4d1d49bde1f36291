import keras
import numpy as np
import pytest
import tensorflow as tf

from pix2pix.optimizer import DOUBLED_AFTER, FIRST_SCALE, Adam
from pix2pix.options import PAPER, Options

LR = tf.constant(0.01)


def trained(optimizer: Adam, variable: tf.Variable, loss_of, steps: int = 1) -> list[np.ndarray]:
    """The variable's values after each step."""
    values = []

    @tf.function
    def step() -> None:
        with tf.GradientTape() as tape:
            loss = optimizer.scaled(loss_of(variable))
        optimizer.step(tape, loss, LR)

    for _ in range(steps):
        step()
        values.append(variable.numpy())
    return values


@pytest.mark.parametrize("scaled", [False, True])
def test_adam_is_keras_adam(scaled):
    begin, aim = np.array([1.0, -2.0, 3.0], np.float32), np.array([0.5, 4.0, 2.9], np.float32)
    variable, theirs = tf.Variable(begin), keras.Variable(begin)
    ours = trained(
        Adam({"x": variable}, 0.5, scaled=scaled), variable, lambda x: tf.reduce_sum((x - aim) ** 2), steps=20
    )
    reference = keras.optimizers.Adam(float(LR), beta_1=0.5, epsilon=1e-8)
    for value in ours:
        reference.apply_gradients([(2 * (theirs.value - aim), theirs)])
        assert value == pytest.approx(theirs.numpy(), rel=1e-5)


def faint(x: tf.Tensor) -> tf.Tensor:
    """A loss whose gradient, 1e-9, is nothing in float16."""
    return tf.cast(tf.cast(x, tf.float16) * tf.constant(1e-5, tf.float16), tf.float32) * 1e-4


def test_a_small_gradient_survives_float16_if_it_is_scaled():
    for scaled in (False, True):
        variable = tf.Variable(1.0)
        (value,) = trained(Adam({"x": variable}, 0.5, scaled=scaled), variable, faint)
        assert (value != 1.0) == scaled


def test_a_step_that_overflows_is_left_out_and_the_scale_is_halved():
    variable = tf.Variable(1.0)
    optimizer = Adam({"x": variable}, 0.5, scaled=True)

    def steep(x: tf.Tensor) -> tf.Tensor:
        return tf.cast(tf.cast(x, tf.float16) * tf.constant(4, tf.float16), tf.float32)

    values = trained(optimizer, variable, steep, steps=4)
    assert values[:3] == [1.0, 1.0, pytest.approx(0.99)]  # 4 * 2**15 and 4 * 2**14 are infinite in float16
    assert values[3] == pytest.approx(0.98)
    assert float(optimizer.scale) == FIRST_SCALE / 4
    assert float(optimizer.beta1_power) == 0.5**3  # what was left out was no step of Adam either


def test_the_scale_is_doubled_after_many_good_steps():
    variable = tf.Variable(1.0)
    optimizer = Adam({"x": variable}, 0.5, scaled=True)
    optimizer.good_steps.assign(DOUBLED_AFTER - 2)
    trained(optimizer, variable, tf.identity)
    assert float(optimizer.scale) == FIRST_SCALE
    trained(optimizer, variable, tf.identity)
    assert float(optimizer.scale) == 2 * FIRST_SCALE


@pytest.mark.parametrize("beta2, most", [(PAPER["beta2"], 16), (Options().beta2, 5)])
def test_a_gradient_that_returns_moves_a_weight_by_a_few_learning_rates(beta2, most):
    """A dead unit's second moment is next to nothing. What moves it far ended a training without norm."""
    variable, gradient = tf.Variable(1.0), tf.Variable(1e-6)
    optimizer = Adam({"x": variable}, 0.5, beta2)
    trained(optimizer, variable, lambda x: gradient * x, steps=3000)
    gradient.assign(1.0)
    before = float(variable)
    after = trained(optimizer, variable, lambda x: gradient * x)[0]
    assert (before - after) / float(LR) == pytest.approx(most, rel=0.05)
