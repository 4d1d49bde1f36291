"""Shapes are inferred as the engines find them, so that no graph hides its size."""

from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import openvino
import pytest
import tensorflow as tf
from openvino import opset13 as opset

from face2face import loading
from face2face.cli import UserError
from face2face.frozen_graph import INPUT_TENSOR, OUTPUT_TENSOR
from face2face.generator import graph_check
from face2face.generator.checks import bounds
from tests.generator.test_graph_check import SIZE, V1, painter, written


@pytest.fixture
def seen(monkeypatch) -> dict[str, list[tuple[int, ...]]]:
    """The shapes of the last graph that was checked, by the names of its operations."""
    shapes, infer = {}, bounds.infer

    def spied(nodes, rules):
        found = infer(nodes, rules)
        shapes.clear()
        shapes.update({name: [output.shape for output in outputs] for name, outputs in found.items()})
        return found

    monkeypatch.setattr(bounds, "infer", spied)
    return shapes


OPERATIONS = {
    "strided slice": lambda x: x[:, 1:-1:2, None, ..., 0],
    "transpose": lambda x: tf.transpose(x, [0, 3, 1, 2]),
    "mean": lambda x: tf.reduce_mean(x, [1, 2], keepdims=True),
    "sum": lambda x: tf.reduce_sum(x, -1),
    "valid": lambda x: tf.nn.conv2d(x, np.ones((4, 4, 3, 7), "f"), [2, 3], "VALID"),
    "same": lambda x: tf.nn.conv2d(x, np.ones((4, 4, 3, 7), "f"), [2, 3], "SAME", dilations=1),
    "dilated": lambda x: tf.nn.conv2d(x, np.ones((3, 3, 3, 7), "f"), 1, "VALID", dilations=[2, 3]),
    "explicit": lambda x: tf.nn.conv2d(x, np.ones((4, 4, 3, 7), "f"), 2, [[0, 0], [1, 2], [0, 1], [0, 0]]),
    "depthwise": lambda x: tf.nn.depthwise_conv2d(x, np.ones((3, 3, 3, 2), "f"), [1, 2, 2, 1], "SAME"),
    "transposed": lambda x: tf.nn.conv2d_transpose(x, np.ones((4, 4, 5, 3), "f"), [1, 128, 128, 5], 2),
    "pool": lambda x: tf.nn.max_pool2d(x, 3, 2, "VALID"),
    "split": lambda x: tf.split(x, [1, -1], 3)[1],
    "stack": lambda x: tf.stack(tf.unstack(x, axis=3), axis=1),
    "pad": lambda x: tf.pad(x, [[0, 0], [1, 2], [3, 4], [0, 0]]),
    "depth": lambda x: tf.nn.space_to_depth(x, 4),
    "matmul": lambda x: tf.matmul(x[0, :, :, 0], x[0, :, :, 1], transpose_b=True),
    "shape": lambda x: tf.reshape(x, tf.stack([tf.shape(x)[1] // 2, -1, 3])),
    "squeeze": lambda x: tf.squeeze(x, 0)[None, None],
    "resize": lambda x: V1.image.resize_nearest_neighbor(x, [10, 20]),
    "broadcast": lambda x: tf.maximum(x[:, :1], x[:, :, :1]),
}


def shapes_in(ir: Path, operations) -> dict[str, list[tuple[int, ...]]]:
    """The shapes of outputs as OpenVINO has them, by the numbers of the layers."""
    numbers = {layer.get("name"): layer.get("id") for layer in ElementTree.parse(ir).iter("layer")}
    return {
        numbers[each.get_friendly_name()]: [tuple(output.get_shape()) for output in each.outputs()]
        for each in operations
        if each.get_type_name() != "Result"
    }


@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS)
def test_shapes_are_those_that_the_engines_find(operation, seen, tmp_path):
    """In a graph, and in what OpenVINO makes of it."""
    measured = {}

    def paint(image):
        changed = operation(tf.cast(image[None, :, :SIZE], tf.float32))
        measured["shape"] = tuple(changed.shape.as_list())
        brightest = tf.reduce_max(tf.identity(changed, "measured"))
        return tf.cast(tf.cast(image[None, :, :SIZE], tf.float32) + brightest, tf.uint8)

    path = Path(written(tmp_path, painter(output=paint)))
    graph_check.check(path)
    if None in measured["shape"]:  # which TensorFlow finds when it runs
        with tf.Graph().as_default():
            tf.import_graph_def(V1.GraphDef.FromString(path.read_bytes()), name="")
            black = np.zeros((SIZE, 2 * SIZE, 3), np.uint8)
            measured["shape"] = V1.Session().run("measured:0", {INPUT_TENSOR: black}).shape
    assert seen["measured"] == [measured["shape"]]

    core, ir = loading.openvino_core(), tmp_path / "model.xml"
    openvino.save_model(core.read_model(path), ir, compress_to_fp16=False)
    graph_check.check(ir)
    operations = core.read_model(ir).get_ops()
    assert shapes_in(ir, operations) == {name: seen[name] for name in shapes_in(ir, operations)}
    (brightest,) = [each for each in operations if each.get_type_name() == "ReduceMax"]
    assert np.prod(brightest.input(0).get_shape()) == np.prod(measured["shape"])


def pooled(picture, rounding: str):
    return opset.avg_pool(picture, [2, 2], [0, 0], [0, 0], [2, 2], True, rounding)


def widened(picture, padding: str):
    kernel = opset.constant(np.ones((3, 5, 4, 4), np.float32))
    return opset.convolution_backprop_data(
        picture, kernel, [2, 2], None, [0, 0], [0, 0], [1, 1], padding, [0, 0]
    )


def squeezed(picture, axes: list[int]):
    shape = opset.shape_of(picture)
    none = opset.strided_slice(shape, [0], [len(axes)], [1], [0], [0])  # not a constant
    return opset.squeeze(opset.slice(picture, [0], [1], [1], [1]), none)


OF_OPENVINO = {
    "pool": lambda x: pooled(x, "floor"),
    "pool, rounded up": lambda x: pooled(x, "ceil"),
    "transposed": lambda x: widened(x, "explicit"),
    "transposed, same": lambda x: widened(x, "same_upper"),
    "transposed, valid": lambda x: widened(x, "valid"),
    "squeezed": lambda x: squeezed(x, []),
}


@pytest.mark.parametrize("kind", OF_OPENVINO)
def test_shapes_of_openvino_alone_are_those_that_it_finds_or_are_refused(kind, seen, tmp_path):
    image = opset.parameter([SIZE, 2 * SIZE, 3], np.uint8)
    image.output(0).set_names({INPUT_TENSOR})
    drawing = opset.slice(opset.convert(image, "f32"), [0], [SIZE], [1], [1])
    picture = opset.unsqueeze(opset.transpose(drawing, [2, 0, 1]), [0])
    changed = OF_OPENVINO[kind](picture)
    brightest = opset.reduce_max(opset.reshape(changed, [-1], False), [0], keep_dims=False)
    face = opset.convert(opset.unsqueeze(opset.add(drawing, brightest), [0]), "u8")
    face.output(0).set_names({OUTPUT_TENSOR})
    openvino.save_model(openvino.Model([face], [image]), tmp_path / "model.xml", compress_to_fp16=False)
    if "up" in kind:
        with pytest.raises(UserError, match="rounds its sides by ceil"):
            graph_check.check(tmp_path / "model.xml")
        return
    graph_check.check(tmp_path / "model.xml")
    operations = loading.openvino_core().read_model(tmp_path / "model.xml").get_ops()
    expected = shapes_in(tmp_path / "model.xml", operations)
    assert {name: seen[name] for name in expected} == expected
