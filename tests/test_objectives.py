import numpy as np
import pytest
import tensorflow as tf

from pix2pix import objectives

REAL, PAINTED = np.array([-3.0, 0.5, 2.0], np.float32), np.array([0.25, -2.0, 1.5], np.float32)
"""Logits."""


@pytest.mark.parametrize("label", [0.0, 1.0])
def test_cross_entropy(label):
    probability = 1 / (1 + np.exp(-REAL))
    expected = -np.log(probability if label else 1 - probability).mean()
    assert float(objectives.cross_entropy(tf.constant(REAL), label)) == pytest.approx(expected, rel=1e-5)


def test_cross_entropy_of_far_logits_is_finite():
    assert float(objectives.cross_entropy(tf.constant([1000.0]), 0.0)) == pytest.approx(1000)


@pytest.mark.parametrize(
    "kind, discriminator, generator",
    [
        (
            "vanilla",
            np.log1p(np.exp(-REAL)).mean() + np.log1p(np.exp(PAINTED)).mean(),
            np.log1p(np.exp(-PAINTED)).mean(),
        ),
        ("lsgan", ((REAL - 1) ** 2).mean() + (PAINTED**2).mean(), ((PAINTED - 1) ** 2).mean()),
        (
            "hinge",
            np.maximum(1 - REAL, 0).mean() + np.maximum(1 + PAINTED, 0).mean(),
            -PAINTED.mean(),
        ),
    ],
)
@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_gan_losses(kind, discriminator, generator, dtype):
    real, painted = tf.constant(REAL, dtype), tf.constant(PAINTED, dtype)
    losses = objectives.discriminator(kind, real, painted), objectives.gan(kind, painted)
    assert [float(loss) for loss in losses] == pytest.approx([discriminator, generator], rel=1e-5)
    assert {loss.dtype for loss in losses} == {tf.float32}


def test_feature_matching_is_the_mean_over_maps_of_their_l1():
    real = [tf.zeros((1, 4, 4, 2), tf.bfloat16), tf.ones((1, 2, 2, 3), tf.bfloat16)]
    painted = [tf.fill((1, 4, 4, 2), tf.cast(0.5, tf.bfloat16)), tf.zeros((1, 2, 2, 3), tf.bfloat16)]
    loss = objectives.feature_matching(real, painted)
    assert loss.dtype == tf.float32
    assert float(loss) == pytest.approx((0.5 + 1.0) / 2)


def test_feature_matching_moves_the_painted_face_towards_the_real_one():
    real, painted = tf.ones((1, 2, 2, 1)), tf.zeros((1, 2, 2, 1))
    with tf.GradientTape() as tape:
        tape.watch([real, painted])
        loss = objectives.feature_matching([real], [painted])
    of_real, of_painted = tape.gradient(loss, [real, painted])
    assert of_real is None
    assert (of_painted.numpy() < 0).all()
