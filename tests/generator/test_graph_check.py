"""Files from strangers: what could do more than paint is refused by name, before any engine sees it."""

import re

import numpy as np
import pytest
import tensorflow as tf

import run_webcam
from face2face.cli import UserError
from face2face.generator import graph_check
from face2face.generator.engines import ENGINES
from face2face.generator.generator import Generator
from tests import made

SIZE = 64
V1 = tf.compat.v1


def painter(extra=lambda image: None, output=None) -> V1.GraphDef:
    """A graph of the contract's names that paints its drawing, and something else."""
    with tf.Graph().as_default() as graph:
        image = V1.placeholder(tf.uint8, (SIZE, 2 * SIZE, 3), "image_tensor")
        side = extra(image)
        with tf.control_dependencies([side] if side is not None else []):
            tf.identity(image[None, :, :SIZE] if output is None else output(image), "generate_output/output")
    return graph.as_graph_def()


def written(folder, content) -> str:
    path = folder / "frozen_model.pb"
    path.write_bytes(content if isinstance(content, bytes) else content.SerializeToString())
    return str(path)


def raw(operation: str) -> V1.NodeDef:
    return V1.NodeDef(name="extra", op=operation)


def test_a_generator_is_let_through(frozen_model):
    file = graph_check.check(frozen_model)
    assert file.image_size == SIZE
    assert Generator(frozen_model).target.to_json() == file.target


def in_a_loop(image):
    return tf.while_loop(lambda i: True, lambda i: i + 1, [0])[0].op


V2 = {"prefix": "stolen", "tensor_names": ["a"], "shape_and_slices": [""]}

HARMFUL = {
    "ReadFile": lambda image: tf.io.read_file("/etc/hostname").op,
    "WriteFile": lambda image: tf.io.write_file("stolen", "data"),
    "MatchingFiles": lambda image: tf.io.matching_files("*").op,
    "SaveV2": lambda image: tf.raw_ops.SaveV2(**V2, tensors=[image]),
    "RestoreV2": lambda image: tf.raw_ops.RestoreV2(**V2, dtypes=[tf.uint8])[0].op,
    "PyFunc": lambda image: V1.py_func(lambda x: x, [image], tf.uint8).op,
    "EagerPyFunc": lambda image: tf.py_function(lambda x: x, [image], tf.uint8).op,
    "FIFOQueueV2": lambda image: V1.FIFOQueue(1, [tf.uint8]).enqueue(image),
    "PrintV2": lambda image: tf.raw_ops.PrintV2(input=tf.constant("data"), output_stream="file://stolen"),
    "While|StatelessWhile|Enter|LoopCond": in_a_loop,
    "VariableV2|VarHandleOp": lambda image: V1.get_variable("v", shape=(), dtype=tf.float32).op,
}


@pytest.mark.parametrize("operation, extra", HARMFUL.items(), ids=HARMFUL)
def test_what_could_do_more_than_paint_is_refused_by_name(operation, extra, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = written(tmp_path, painter(extra))
    for engine in ENGINES:
        with pytest.raises(UserError, match=rf"refused .*frozen_model.pb: its operation ({operation}) \("):
            Generator(path, engine)
    assert not (tmp_path / "stolen").exists()


@pytest.mark.parametrize(
    "operation", ["DecodeProtoV2", "_Recv", "RpcCall", "StatefulPartitionedCall", "MyOwn", "", "\x1b[2Jx\ny"]
)
def test_what_is_not_known_is_refused(operation, tmp_path):
    """Whether this TensorFlow has such an operation, or a stranger brought it along."""
    graph = painter()
    graph.node.append(raw(operation))
    with pytest.raises(
        UserError, match=r"its operation \S+ \(extra\) is none that a generator needs"
    ) as told:
        graph_check.check(written(tmp_path, graph))
    assert str(told.value).isprintable()


def test_functions_are_refused(tmp_path):
    @tf.function
    def read():
        return tf.io.read_file("/etc/hostname")

    graph = painter()
    graph.library.function.append(read.get_concrete_function().function_def)
    with pytest.raises(UserError, match=r"refused .*: it brings functions, which no generator needs"):
        graph_check.check(written(tmp_path, graph))


def test_a_part_that_is_there_twice_is_refused(tmp_path):
    """One reader takes the first, the other the last: what is looked at has to be what runs."""
    harmless, harmful = raw("NoOp").SerializeToString(), raw("ReadFile").SerializeToString()
    node = harmless + harmful
    content = painter().SerializeToString() + b"\x0a" + bytes([len(node)]) + node
    assert V1.GraphDef.FromString(content).node[-1].op == "ReadFile"
    with pytest.raises(UserError, match=r"expected a frozen graph .*damaged.* field 2 is there 2 times"):
        graph_check.check(written(tmp_path, content))


def test_the_script_says_it_in_one_line(clips, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    path = written(tmp_path, painter(lambda image: tf.io.write_file("stolen", "data")))
    arguments = ("--tf-model", path, "--source", clips / "single_face.mp4", "--no-window")
    assert made.edge(run_webcam.main, *arguments) == 2
    assert re.fullmatch(r"error: refused \S+: its operation WriteFile .*\n", capsys.readouterr().err)
    assert [file.name for file in tmp_path.iterdir()] == ["frozen_model.pb"]


# --- damaged, truncated, huge ---------------------------------------------------------------------------


def test_a_truncated_graph_is_named_wherever_it_ends(frozen_model, tmp_path):
    content = frozen_model.read_bytes()
    for length in [1, 2, 30, 999, *range(5000, len(content), len(content) // 40), len(content) - 1]:
        with pytest.raises(UserError, match=r"expected a frozen graph .*frozen_model\.pb"):
            graph_check.check(written(tmp_path, content[:length]))


def test_damage_is_never_a_traceback(tmp_path):
    content = bytearray(painter().SerializeToString())
    random = np.random.default_rng(0)
    for _ in range(300):
        damaged = bytearray(content)
        damaged[random.integers(len(content))] = random.integers(256)
        try:
            graph_check.check(written(tmp_path, bytes(damaged)))
        except UserError as error:
            assert str(error).isprintable()


def test_openvino_says_nothing_of_its_own(tmp_path, capfd):
    """What passes the check, and is damaged for protobuf itself: a name that is no text."""
    content = painter().SerializeToString().replace(b"generate_output/output", b"\xffenerate_output/output")
    content += painter().SerializeToString()
    with pytest.raises(UserError, match="expected a frozen graph"):
        Generator(written(tmp_path, content), "openvino")
    assert capfd.readouterr().err == ""


def test_a_huge_file_is_named_at_once(tmp_path):
    path = tmp_path / "huge.pb"
    with path.open("wb") as file:
        file.truncate(5_000_000_000)  # takes no space: it is all hole
    with pytest.raises(UserError, match=r"huge\.pb \(5\.0 GB, more than a graph can have"):
        graph_check.check(path)


def test_constants_that_ask_for_all_memory_are_refused(tmp_path):
    graph = painter()
    node = graph.node.add(name="zeros", op="Const")
    node.attr["dtype"].type = tf.float32.as_datatype_enum
    tensor = node.attr["value"].tensor
    tensor.dtype = tf.float32.as_datatype_enum
    tensor.float_val.append(0)
    for size in (1_000_000, 1_000_000):
        tensor.tensor_shape.dim.add(size=size)
    with pytest.raises(UserError, match=r"a constant of 1,000,000,000,000 values in \d+ bytes"):
        graph_check.check(written(tmp_path, graph))


@pytest.mark.parametrize(
    "output, message",
    [
        (lambda image: image[None, :32, :SIZE], r"paints \(1, 32, 64, 3\), not \(1, 64, 64, 3\)"),
        (lambda image: tf.cast(image[None, :, :SIZE], tf.float32), r"paints float32"),
        (lambda image: tf.reshape(image, (-1,)), r"expected a frozen graph"),
    ],
)
@pytest.mark.parametrize("engine", ENGINES)
def test_another_models_graph_is_named(output, message, engine, tmp_path):
    with pytest.raises(UserError, match=message):
        Generator(written(tmp_path, painter(output=output)), engine)


def test_a_target_of_another_size_is_named(frozen_model, tmp_path):
    graph = V1.GraphDef.FromString(frozen_model.read_bytes())
    (target,) = [node for node in graph.node if node.name == "face2face/target"]
    values = target.attr["value"].tensor.string_val
    values[0] = values[0].replace(b'"image_size": 64', b'"image_size": 32')
    with pytest.raises(UserError, match="expected a target of 64 pixels, got 32"):
        Generator(written(tmp_path, graph))
