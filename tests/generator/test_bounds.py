"""Small graphs that ask for all memory, or for days: refused in one line, before any engine sees them."""

import numpy as np
import pytest
import tensorflow as tf

from face2face.cli import UserError
from face2face.generator import graph_check
from face2face.generator.checks import bounds, tensors
from face2face.generator.generator import Generator
from pix2pix import frozen, options
from tests import made
from tests.generator.test_graph_check import SIZE, V1, painter, written


def chain(count: int):
    def add(image):
        one = tf.constant(1, tf.uint8)
        for _ in range(count):
            image = image + one
        return image.op

    return add


def product(size: int):
    def multiply(image):
        ones = tf.fill([size, size], 1.0)
        return tf.matmul(ones, ones).op

    return multiply


def doubled(count: int):
    def double(image):
        for _ in range(count):
            image = tf.concat([image, image], 0)
        return image.op

    return double


def convolved(image):
    kernel = np.ones((65, 65, 3, 200), np.float32)
    return tf.nn.conv2d(tf.fill([1, 512, 512, 3], 1.0), kernel, 1, "SAME").op


def overflowing(image):
    """65536 * 65537 is 65536 in 32 bits: then a side is 9000, else it would be 1."""
    one = tf.reduce_prod(tf.constant([65536, 65537])) // 65536
    side = tf.maximum(9001 - one, 1)
    return tf.fill([side, side], 1.0).op


LARGE = {
    "chain": (chain(1900), r"1,90\d operations follow each other"),
    "fill": (lambda image: tf.fill([30000, 30000], 1.0).op, r"Fill \(Fill\) .* \[30000, 30000\], at most"),
    "product": (product(20000), r"\[20000, 20000\], at most 67,108,864 values"),
    "work": (product(8000), r"more than 200,000,000,000 multiply-adds"),
    "convolution": (convolved, r"more than 200,000,000,000 multiply-adds"),
    "doubled": (doubled(40), r"ConcatV2 .* at most 67,108,864 values"),
    "tile": (lambda image: tf.tile(image, [1000, 1000, 1]).op, r"Tile .* at most"),
    "random": (lambda image: V1.random_uniform([30000, 30000]).op, r"RandomUniform .* at most"),
    "resize": (lambda image: V1.image.resize_bilinear(image[None], [40000, 40000]).op, r"at most"),
    "pad": (lambda image: tf.pad(image, [[0, 10**6], [0, 10**6], [0, 0]]).op, r"Pad .* at most"),
    "total": (
        lambda image: tf.group(*(tf.fill([8000, 8000], float(i)).op for i in range(20))),
        r"its tensors have more than 1,073,741,824 values",
    ),
    "inputs": (lambda image: tf.add_n([image] * 100).op, r"AddN .* more than 64 inputs or outputs"),
    "overflow": (overflowing, r"\[9000, 9000\], at most 67,108,864 values"),
    "unknown": (
        lambda image: tf.fill(tf.cast(image[0, 0], tf.int32), 1.0).op,
        r"its size is known only when the graph runs",
    ),
}


@pytest.mark.parametrize("extra, message", LARGE.values(), ids=LARGE)
def test_what_no_generator_asks_for_is_refused(extra, message, tmp_path):
    with pytest.raises(UserError, match=message) as told:
        graph_check.check(written(tmp_path, painter(extra)))
    assert str(told.value).isprintable()


def test_circles_are_refused(tmp_path):
    graph = painter()
    for name, source in (("a", "b"), ("b", "c"), ("c", "a")):
        graph.node.add(name=name, op="Identity", input=[source]).attr["T"].type = 1
    with pytest.raises(UserError, match="its operations read each other in a circle"):
        graph_check.check(written(tmp_path, graph))


@pytest.mark.parametrize("inputs", [["nowhere"], ["image_tensor:7"], ["image_tensor:x"], ["^nowhere"]])
def test_an_input_that_is_not_there_is_refused(inputs, tmp_path):
    graph = painter()
    graph.node.add(name="a", op="Identity", input=inputs).attr["T"].type = 1
    with pytest.raises(UserError, match=r"expected a frozen graph .*(not there|does not fit)"):
        graph_check.check(written(tmp_path, graph))


def test_too_many_operations_are_refused(tmp_path):
    graph = painter()
    for i in range(bounds.MAX_NODES):
        graph.node.add(name=f"n{i}", op="NoOp")
    with pytest.raises(UserError, match=r"it has 2,0\d\d operations, at most 2,000 are expected"):
        graph_check.check(written(tmp_path, graph))


@pytest.mark.parametrize("part", ["name", "operation", "input", "attribute", "key"])
def test_a_part_of_many_megabytes_is_refused(part, tmp_path):
    """And not read: 20 MB would be shown, escaped, or copied several times."""
    graph, text = painter(), "x" * 20_000_000
    node = graph.node.add(name="n", op="NoOp")
    if part == "name":
        node.name = text
    elif part == "operation":
        node.op = text
    elif part == "input":
        node.input.append(f"^{text}")
    else:
        node.attr["a" if part == "attribute" else text].s = text.encode() if part == "attribute" else b""
    with pytest.raises(UserError, match=r"20,000,0\d\d bytes") as told:
        graph_check.check(written(tmp_path, graph))
    assert len(str(told.value)) < 500


def test_nothing_computes_on_text(tmp_path):
    """A text of a megabyte, repeated, takes more than the values that are counted."""
    with pytest.raises(UserError, match="computes on text"):
        graph_check.check(written(tmp_path, painter(lambda image: tf.fill([1000, 1000], "text").op)))


def test_another_input_is_refused(tmp_path):
    with pytest.raises(UserError, match="it has more inputs"):
        graph_check.check(written(tmp_path, painter(lambda image: V1.placeholder(tf.uint8, (1,)).op)))


@pytest.mark.parametrize("path", ["/dev/zero", "/dev/stdin"])
def test_a_device_is_no_file(path):
    with pytest.raises(UserError, match="the frozen model not found"):
        graph_check.check(path)


# --- what passes -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "ngf, separable, statistics, half",
    [
        (16, False, options.MOVING, False),
        (8, True, options.MOVING, False),
        (8, False, options.INSTANCE, False),
        (8, False, options.MOVING, True),
    ],
)
def test_our_generators_pass(ngf, separable, statistics, half, tmp_path):
    """At 512 pixels: deeper than those of 256. The shapes are those that TensorFlow itself infers."""
    from face2face.target.target_file import Target

    network = made.generator(512 if ngf == 16 else 256, ngf, True, separable, statistics)
    size = network.input_shape[1]
    graph = frozen.freeze(network, Target(size))
    path = tmp_path / "frozen_model.pb"
    frozen.write(frozen.halve(graph) if half else graph, path)
    assert graph_check.check(path).image_size == size


def test_a_graph_at_the_bounds_is_loaded_by_both_engines(tmp_path):
    path = written(tmp_path, painter(chain(bounds.MAX_DEPTH - 10)))
    for engine in ("openvino", "tensorflow"):
        assert Generator(path, engine).target.image_size == SIZE


def test_a_stand_in_takes_no_memory():
    assert tensors.unknown((8000, 8000)).array.base.nbytes == 1
