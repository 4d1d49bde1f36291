"""One step of the training: gradients, losses, the learning rate."""

from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf

from pix2pix import networks, objectives, optimizer, options, precision, trainer
from tests import made

ONLY_GAN = replace(made.SMALL, l1_weight=0.0, ssim_weight=0.0)


def one_step(opts) -> tuple[trainer.Trainer, list, list]:
    """A trainer after one step, and the weights of its two networks before."""
    tf.keras.utils.set_random_seed(0)
    subject = trainer.Trainer(opts)
    networks_ = (subject.generator, subject.discriminator)
    before = [[v.numpy() for v in network.trainable_variables] for network in networks_]
    picture = tf.constant(np.random.default_rng(0).uniform(-1, 1, (1, 64, 64, 3)), tf.float32)
    trainer.Trainer.train_step.python_function(subject, picture, -picture)  # without seconds of tracing
    after = [[v.numpy() for v in network.trainable_variables] for network in networks_]
    return subject, before, after


def test_a_step_moves_every_weight_of_both_networks():
    subject, *networks_ = one_step(made.SMALL)
    assert int(subject.step) == 1
    for before, after in zip(*networks_, strict=True):
        assert all((a != b).any() for a, b in zip(before, after, strict=True))


def test_the_first_step_of_adam_is_as_long_as_the_learning_rate():
    _, *networks_ = one_step(replace(made.SMALL, lr=0.01, statistics=options.INSTANCE))
    for before, after in zip(*networks_, strict=True):
        longest = max(np.abs(a - b).max() for a, b in zip(before, after, strict=True))
        assert longest == pytest.approx(0.01, rel=0.01)


def test_the_kernels_of_a_norm_free_generator_change_at_the_same_relative_speed():
    subject, (before, _), (after, _) = one_step(replace(made.SMALL, lr=0.001))
    for variable, a, b in zip(subject.generator.trainable_variables, before, after, strict=True):
        if variable.name == "kernel":
            assert np.abs(a - b).max() == pytest.approx(0.05 * np.std(a), rel=0.1), variable.path
        else:
            assert np.abs(a - b).max() == pytest.approx(0.001, rel=0.01), variable.path


def test_weights_of_the_losses_count():
    """Without either loss the generator stays as it is; the discriminator does not care."""
    _, (generator, discriminator), (generator_after, discriminator_after) = one_step(
        replace(ONLY_GAN, gan_weight=0.0)
    )
    assert all((a == b).all() for a, b in zip(generator, generator_after, strict=True))
    assert any((a != b).any() for a, b in zip(discriminator, discriminator_after, strict=True))


@pytest.mark.parametrize("weight", [0.0, 4.0])
def test_the_losses_of_pixels_weigh_more_near_what_is_drawn(weight):
    subject = trainer.Trainer(replace(made.SMALL, face_weight=weight, artefact_weight=60.0))
    drawing = np.full((1, 64, 64, 3), -1, np.float32)
    drawing[:, 20:24, 30:34] = 1
    face = tf.constant(np.random.default_rng(0).uniform(-1, 1, drawing.shape), tf.float32)
    told, outputs = trainer.Trainer.train_step.python_function(subject, tf.constant(drawing), face)
    weights = objectives.face_weights(drawing, weight)
    assert np.ptp(weights) > 2 or weight == 0
    assert float(told["l1"]) == pytest.approx(float(objectives.l1(face, outputs, weights)), rel=1e-5)
    expected = float(objectives.dissimilarity(face, outputs, weights))
    assert float(told["ssim"]) == pytest.approx(expected, rel=1e-5)
    assert float(told["artefacts"]) == pytest.approx(float(objectives.artefacts(face, outputs)), rel=1e-5)


def test_a_loss_of_artefacts_alone_takes_them_away():
    opts = replace(ONLY_GAN, gan_weight=0.0, artefact_weight=60.0, lr=0.002)
    subject = trainer.Trainer(opts)
    drawing = tf.constant(np.random.default_rng(0).uniform(-1, 1, (1, 64, 64, 3)), tf.float32)
    face = tf.image.resize(drawing[:, ::8, ::8], (64, 64), "bicubic")
    told = [float(subject.train_step(drawing, face)[0]["artefacts"]) for _ in range(20)]
    assert told[-1] < 0.7 * told[0]


@pytest.mark.parametrize("kind", ["lsgan", "hinge"])
def test_another_gan_loss_trains_both_networks_otherwise(kind):
    """With the GAN loss alone: its gradient has another direction."""
    results = [one_step(replace(ONLY_GAN, gan_loss=each)) for each in ("vanilla", kind)]
    for network in (1, 2):
        (before, vanilla), (_, other) = (
            (result[1][network - 1], result[2][network - 1]) for result in results
        )
        assert any((a != b).any() for a, b in zip(before, other, strict=True))
        assert any((a != b).any() for a, b in zip(vanilla, other, strict=True))


def test_feature_matching_trains_the_generator_alone():
    without, with_it = (
        one_step(replace(ONLY_GAN, gan_weight=0.0, feature_matching=each))[1:] for each in (0.0, 10.0)
    )
    (before, discriminator_before), (after, discriminator) = with_it
    assert any((a != b).any() for a, b in zip(before, after, strict=True))
    assert all((a == b).all() for a, b in zip(without[1][1], discriminator, strict=True))
    assert any((a != b).any() for a, b in zip(discriminator_before, discriminator, strict=True))


@pytest.mark.parametrize("name", ["mixed_bfloat16", "mixed_float16"])
@pytest.mark.parametrize("statistics, least", [(options.MOVING, 0.97), (options.NONE, 0.95)])
def test_gradients_of_another_precision_are_nearly_the_same(name, statistics, least, monkeypatch):
    """Half the bits of each product, but weights and losses of all of them.

    Without norms the error of one layer is not scaled away by the next.
    """
    if name == "mixed_bfloat16" and name not in precision.candidates():
        pytest.skip("without units for bfloat16 TensorFlow also adds up in it, which is less precise")
    monkeypatch.setattr(networks, "DROPOUT_RATE", 0.0)  # which would draw other numbers
    monkeypatch.setattr(optimizer, "FIRST_SCALE", 2.0**10)  # one with which the first step does not overflow
    opts = replace(made.SMALL, statistics=statistics)
    subject, expected = (one_step(replace(opts, precision=each))[0] for each in (name, "float32"))
    assert {v.dtype for v in subject.generator.trainable_variables} == {"float32"}
    for name_of_optimizer in ("generator_optimizer", "discriminator_optimizer"):
        ours, wanted = (getattr(each, name_of_optimizer).mean for each in (subject, expected))
        for name in (name for name in wanted if name.endswith("kernel")):
            a, b = ours[name].numpy().ravel(), wanted[name].numpy().ravel()
            assert not np.array_equal(a, b), name
            assert np.corrcoef(a, b)[0, 1] > least, name


def test_the_learning_rate_falls_over_the_last_share():
    subject = trainer.Trainer(replace(made.SMALL, lr=0.1, lr_decay=0.5))
    rates = []
    for step in range(100):
        subject.set_lr(step, 100)
        rates.append(float(subject.lr))
    assert rates[:51] == pytest.approx([0.1] * 51)
    assert rates[75] == pytest.approx(0.05) and rates[99] == pytest.approx(0.002)


def test_without_decay_the_learning_rate_is_constant():
    subject = trainer.Trainer(made.SMALL)
    subject.set_lr(99, 100)
    assert float(subject.lr) == pytest.approx(made.SMALL.lr)
