import json
import re
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from face2face.cli import UserError
from face2face.face.drawing import draw
from face2face.generator.generator import Generator
from face2face.target.statistics import TargetFace
from face2face.target.target_file import Target
from pix2pix import folding, frozen, inference
from tests import made

SIZE = 64


@pytest.fixture(scope="module")
def folded():
    trained = made.generator(SIZE, 16)
    made.unsettle(trained)
    return folding.fold(trained)


@pytest.fixture(scope="module")
def target() -> Target:
    face = TargetFace.measure(np.array([made.points(SIZE, seed) for seed in range(8)]))
    return Target(SIZE, "colour", face)


@pytest.fixture(scope="module")
def graph(folded, target):
    return frozen.freeze(folded, target)


@pytest.fixture(scope="module")
def model(graph, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("frozen") / "frozen_model.pb"
    frozen.write(graph, path)
    return path


def drawing() -> np.ndarray:
    return draw(made.points(SIZE), SIZE, "colour")


def run(graph, tensor: str, *pairs: np.ndarray) -> list:
    """A graph by its tensors' names, and nothing else."""
    with tf.Graph().as_default() as found:
        tf.import_graph_def(graph, name="")
        with tf.compat.v1.Session(graph=found) as session:
            return [session.run(tensor, {"image_tensor:0": pair}) for pair in pairs]


def pair(right: int = 0) -> np.ndarray:
    return np.concatenate([drawing(), np.full((SIZE, SIZE, 3), right, np.uint8)], axis=1)


# --- the graph ------------------------------------------------------------------------------------------


def test_the_contract_of_the_tensors(graph):
    with tf.Graph().as_default() as found:
        tf.import_graph_def(graph, name="")
    described = {
        name: (tensor.dtype.name, tensor.shape.as_list())
        for name in ("image_tensor:0", "generate_output/output:0", "face2face/target:0")
        for tensor in [found.get_tensor_by_name(name)]
    }
    assert described == {
        "image_tensor:0": ("uint8", [SIZE, 2 * SIZE, 3]),
        "generate_output/output:0": ("uint8", [1, SIZE, SIZE, 3]),
        "face2face/target:0": ("string", []),
    }


def test_it_paints_what_the_network_paints(graph, folded):
    (face,) = run(graph, "generate_output/output:0", pair())
    expected = inference.uint8_predictor(folded)(drawing())
    assert face.shape == (1, SIZE, SIZE, 3) and face.dtype == np.uint8
    assert frozen.largest_difference(face[0], expected) <= 1
    assert np.std(expected) > 20


def test_the_same_drawing_gives_the_same_bytes_whatever_is_beside_it(graph):
    first, again, beside = run(graph, "generate_output/output:0", pair(), pair(), pair(right=255))
    assert first.tobytes() == again.tobytes() == beside.tobytes()


def test_another_drawing_gives_another_face(graph):
    first, other = run(graph, "generate_output/output:0", pair(), 255 - pair())
    assert frozen.largest_difference(first[0], other[0]) > 10


def test_the_target_travels_in_the_graph(graph, target):
    (text,) = run(graph, "face2face/target:0", pair())
    content = json.loads(text)
    assert (content["image_size"], content["drawing"]) == (SIZE, "colour")
    assert np.allclose(content["face"]["neutral"], target.face.neutral, atol=1e-3)


def test_nothing_but_plain_operations_is_left(graph):
    kinds = {node.op for node in graph.node}
    assert not {kind for kind in kinds if re.search("Variable|Random|BatchNorm|Function|Partitioned", kind)}
    assert "Placeholder" in kinds and len([node for node in graph.node if node.op == "Placeholder"]) == 1
    assert not graph.library.function


def test_a_model_of_another_size(target):
    folded = folding.fold(made.generator(128, 2))
    (face,) = run(
        frozen.freeze(folded, Target(128)), "generate_output/output:0", np.zeros((128, 256, 3), np.uint8)
    )
    assert face.shape == (1, 128, 128, 3)


# --- half precision -------------------------------------------------------------------------------------


def test_half_precision_halves_the_file_and_keeps_the_face(graph, target):
    half = frozen.halve(graph)
    assert half.ByteSize() < 0.55 * graph.ByteSize()
    (whole_face,) = run(graph, "generate_output/output:0", pair())
    (half_face,) = run(half, "generate_output/output:0", pair())
    assert frozen.largest_difference(whole_face, half_face) <= 4
    assert run(half, "face2face/target:0", pair()) == [target.to_json().encode()]


def test_half_precision_leaves_the_graph_as_it_was(graph):
    before = graph.SerializeToString(deterministic=True)
    frozen.halve(graph)
    assert graph.SerializeToString(deterministic=True) == before


def test_the_largest_difference_has_no_overflow():
    a, b = np.array([0, 255], np.uint8), np.array([255, 254], np.uint8)
    assert frozen.largest_difference(a, b) == frozen.largest_difference(b, a) == 255


# --- the generator that runs it -------------------------------------------------------------------------


def test_a_generator_paints_a_drawing(model, folded):
    generator = Generator(model)
    face = generator(drawing())
    assert face.shape == (SIZE, SIZE, 3) and face.dtype == np.uint8
    assert frozen.largest_difference(face, inference.uint8_predictor(folded)(drawing())) <= 1


def test_a_generator_knows_its_target(model, target):
    known = Generator(model).target
    assert (known.image_size, known.drawing) == (SIZE, "colour")
    assert np.allclose(known.face.neutral, target.face.neutral, atol=1e-3)


def test_faces_painted_one_after_the_other_do_not_share_their_memory(model):
    generator = Generator(model)
    first = generator(drawing())
    kept = first.copy()
    generator(255 - drawing())
    assert np.array_equal(first, kept)


def test_a_graph_of_the_2017_demo_has_no_target(graph, tmp_path):
    """It has our tensors but the third, and was trained on white drawings."""
    old = tf.compat.v1.GraphDef(node=[node for node in graph.node if node.name != "face2face/target"])
    frozen.write(old, tmp_path / "old.pb")
    generator = Generator(tmp_path / "old.pb")
    assert generator.target == Target(SIZE, "original")
    assert generator(drawing()).shape == (SIZE, SIZE, 3)


def test_a_missing_model_is_named(tmp_path):
    with pytest.raises(UserError, match=r"the frozen model not found: .*frozen_model\.pb"):
        Generator(tmp_path / "frozen_model.pb")
    with pytest.raises(UserError, match="expected a file as the frozen model, got a folder"):
        Generator(tmp_path)


@pytest.mark.parametrize(
    "content", [b"not a graph", b"", bytes(range(256)) * 50], ids=["text", "empty", "bytes"]
)
def test_a_file_that_is_no_graph_is_named(tmp_path, content):
    path = tmp_path / "frozen_model.pb"
    path.write_bytes(content)
    with pytest.raises(
        UserError, match=r"expected a frozen graph from image_tensor:0 to .*, got .*frozen_model\.pb"
    ):
        Generator(path)


def test_a_truncated_graph_is_named(model, tmp_path):
    path = tmp_path / "frozen_model.pb"
    path.write_bytes(model.read_bytes()[:5000])
    with pytest.raises(UserError, match="expected a frozen graph"):
        Generator(path)


def small_graph(build) -> tf.compat.v1.GraphDef:
    with tf.Graph().as_default() as graph:
        build(tf.compat.v1.placeholder)
    return graph.as_graph_def()


def test_a_graph_without_our_tensors_is_named(tmp_path):
    graph = small_graph(lambda placeholder: placeholder(tf.uint8, (SIZE, SIZE, 3), "images"))
    frozen.write(graph, tmp_path / "other.pb")
    with pytest.raises(
        UserError, match=r"expected a frozen graph from image_tensor:0 .*other\.pb .*image_tensor"
    ):
        Generator(tmp_path / "other.pb")


@pytest.mark.parametrize(
    "shape, message",
    [
        ((SIZE, SIZE, 3), r"expected image_tensor:0 of shape \(S, 2 S, 3\), got \[64, 64, 3\]"),
        ((None, None, 3), r"expected image_tensor:0 of shape \(S, 2 S, 3\), got \[None, None, 3\]"),
        (None, "expected a frozen graph from image_tensor:0"),
    ],
)
def test_a_graph_of_another_shape_is_named(tmp_path, shape, message):
    def build(placeholder):
        tf.identity(placeholder(tf.uint8, shape, "image_tensor"), "generate_output/output")

    frozen.write(small_graph(build), tmp_path / "square.pb")
    with pytest.raises(UserError, match=message):
        Generator(tmp_path / "square.pb")
