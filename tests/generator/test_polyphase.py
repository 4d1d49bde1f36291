"""Transposed convolutions as plain ones: the same faces, and none of the others left."""

import numpy as np
import openvino
import pytest
from openvino import opset13

from face2face import loading
from face2face.generator.polyphase import split


def outputs(model, *inputs: np.ndarray) -> np.ndarray:
    compiled = loading.openvino_core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return compiled(inputs)[0].astype(np.float64)


def kinds(model) -> list[str]:
    return [node.get_type_name() for node in model.get_ordered_ops()]


def doubling(channels: int, with_bias: bool, pads: tuple[int, int] = (1, 1), side: int = 5):
    random = np.random.default_rng(channels)
    kernel = random.standard_normal((6, channels, 4, 4)).astype(np.float32)
    x = opset13.parameter([1, 6, side, side + 2], np.float32)
    y = opset13.convolution_backprop_data(x, kernel, [2, 2], pads_begin=[pads[0]] * 2, pads_end=[pads[1]] * 2)
    if with_bias:
        y = opset13.add(y, random.standard_normal((1, channels, 1, 1)).astype(np.float32))
    return openvino.Model([opset13.relu(y)], [x])


@pytest.mark.parametrize("channels", [3, 4, 5, 12], ids=lambda channels: f"{channels} outputs")
@pytest.mark.parametrize("with_bias", [True, False])
def test_it_computes_the_same(channels, with_bias):
    model = doubling(channels, with_bias)
    x = np.random.default_rng(0).standard_normal((1, 6, 5, 7)).astype(np.float32)
    expected = outputs(model, x)
    assert split(model) == 1
    assert "ConvolutionBackpropData" not in kinds(model)
    assert kinds(model).count("Convolution") == (1 if channels <= 4 else 4)
    assert np.abs(outputs(model, x) - expected).max() < 1e-4 < expected.std()


def test_what_does_not_double_is_left_alone():
    model = doubling(8, False, pads=(0, 1))
    before = kinds(model)
    assert split(model) == 0
    assert kinds(model) == before


@pytest.mark.parametrize("channels, count", [(3, 1), (12, 0)])
def test_those_of_few_outputs_alone_may_be_split(channels, count):
    model = doubling(channels, True)
    assert split(model, only_few=True) == count
    assert kinds(model).count("ConvolutionBackpropData") == 1 - count


def test_a_generator_paints_the_same(frozen_model):
    core = loading.openvino_core()
    pair = np.random.default_rng(0).integers(0, 256, (64, 128, 3), np.uint8)
    model = core.read_model(frozen_model)
    expected = outputs(model, pair)
    assert split(model) == 6 and "ConvolutionBackpropData" not in kinds(model)
    assert np.abs(outputs(model, pair) - expected).max() <= 1 < expected.std()
