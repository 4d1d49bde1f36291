import time

import keras
import pytest
import tensorflow as tf

from pix2pix import networks, precision
from tests import made


def test_networks_compute_in_the_policy_they_were_made_in():
    with precision.policy("mixed_bfloat16"):
        generator, discriminator = made.generator(64, 2), networks.discriminator(64, 2)
    assert keras.config.dtype_policy().name == "float32"
    convs = [layer for model in (generator, discriminator) for layer in model.layers if "conv" in layer.name]
    assert {layer.compute_dtype for layer in convs} == {"bfloat16"}
    assert {layer.kernel.dtype for layer in convs} == {"float32"}
    picture = tf.zeros((1, 64, 64, 3))
    assert generator(picture).dtype == tf.float32  # tanh
    assert discriminator([picture, picture]).dtype == tf.bfloat16


def test_float32_is_always_a_candidate():
    assert precision.candidates()[0] == "float32"
    assert set(precision.candidates()) <= {"float32", "mixed_bfloat16", "mixed_float16"}


@pytest.mark.parametrize("faster", ["float32", "mixed_bfloat16"])
def test_the_fastest_is_measured(faster, monkeypatch):
    monkeypatch.setattr(precision, "candidates", lambda: ["float32", "mixed_bfloat16"])
    matrix = tf.ones((300, 300))

    def step_of(name: str):
        return lambda: [tf.matmul(matrix, matrix).numpy() for _ in range(1 if name == faster else 100)]

    assert precision.fastest(step_of) == faster


def test_float32_has_to_be_clearly_faster(monkeypatch):
    """Else the load of the machine decides, and the same seed gives other weights."""
    monkeypatch.setattr(precision, "candidates", lambda: ["float32", "mixed_bfloat16"])
    seconds = {"float32": 0.020, "mixed_bfloat16": 0.021}

    def step_of(name: str):
        return lambda: time.sleep(seconds[name])

    assert {precision.fastest(step_of) for _ in range(5)} == {"mixed_bfloat16"}


def test_nothing_is_timed_without_a_choice(monkeypatch):
    monkeypatch.setattr(precision, "candidates", lambda: ["float32"])

    def step_of(name: str):
        raise AssertionError(f"timed {name}")

    assert precision.fastest(step_of) == "float32"
