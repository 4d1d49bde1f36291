"""Looks into a generator's file before anything runs it: a graph from a stranger is a program.

Only operations that compute on tensors in memory are let through, by name; whatever else a graph may ask
TensorFlow or OpenVINO to do (read and write files, run Python, open sockets, wait in queues, loop) is not.
Their outputs, their number and the work that they take are bounded. No engine is needed for it, nor imported.
"""

import mmap
from pathlib import Path

from face2face import cli, native_files
from face2face.cli import UserError
from face2face.frozen_graph import INPUT_TENSOR, OUTPUT_TENSOR, TARGET_TENSOR
from face2face.frozen_graph import operation as _operation
from face2face.generator import graph_bounds, ir_check, protobuf
from face2face.generator.generator_file import (
    IR_ENDING,
    MAX_BYTES,
    GeneratorFile,
    check_face,
    expected,
    refused,
    side,
)
from face2face.generator.graph_attributes import STRING, TENSOR_STRINGS, UINT8, Attributes
from face2face.generator.graph_bounds import Node
from face2face.generator.graph_shapes import RULES
from face2face.generator.protobuf import Message
from face2face.generator.shapes import ShapeError

MAX_NODE_BYTES = 2**16
"""Of a node's name, inputs and attributes, without the values of a constant."""
_MAX_FIELDS = 1_000_000

# Field numbers of TensorFlow's messages.
_GRAPH_NODE, _GRAPH_LIBRARY, _GRAPH_NUMBERS = 1, 2, {1, 2, 3, 4, 5}
_NODE_NAME, _NODE_OPERATION, _NODE_INPUT = 1, 2, 3


def check(path: str | Path) -> GeneratorFile:
    """Look into a frozen graph (.pb), or OpenVINO's .xml with its .bin.

    Raises:
        UserError: if the file is missing, damaged, no generator's, or could do more than paint.
    """

    path = native_files.existing(path, "the frozen model")
    check_graph = ir_check.check if path.suffix.lower() == IR_ENDING else _check_graph
    try:
        return check_graph(path)
    except protobuf.DecodeError as error:
        raise expected(path, f"damaged, or no graph at all: {error}") from None
    except ShapeError as error:
        raise expected(path, str(error)) from None


def _check_graph(path: Path) -> GeneratorFile:
    size = path.stat().st_size
    if not size:
        raise expected(path, "an empty file")
    if size > MAX_BYTES:
        raise expected(path, f"{size / 1e9:.1f} GB, more than a graph can have")
    with path.open("rb") as file:
        # Not read, and let go with the last message that looks into it.
        data = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    graph = Message(data, protobuf.Budget(_MAX_FIELDS))
    if not graph.numbers() <= _GRAPH_NUMBERS:
        raise protobuf.DecodeError("it has fields that graphs do not have")
    nodes: dict[str, Node] = {}
    for message in graph.messages(_GRAPH_NODE):
        node = _node(path, message)
        if node.name in nodes:
            raise protobuf.DecodeError(f"its operation {cli.shown(node.name)} is there twice")
        nodes[node.name] = node
    if any(library.numbers() for library in graph.messages(_GRAPH_LIBRARY)):
        raise UserError(f"refused {path}: it brings functions, which no generator needs")
    for tensor in (INPUT_TENSOR, OUTPUT_TENSOR):
        if _operation(tensor) not in nodes:
            raise expected(path, f"it has no {_operation(tensor)}")
    image_size = side(path, _input_shape(path, nodes))
    target = _target(path, nodes)
    check_face(path, graph_bounds.infer(nodes, RULES)[_operation(OUTPUT_TENSOR)], image_size)
    return GeneratorFile(path, image_size, target)


def _node(path: Path, message: Message) -> Node:
    operation, name = message.text(_NODE_OPERATION), message.text(_NODE_NAME)
    if operation not in RULES:
        raise refused(path, operation, name)
    attributes = Attributes(message)
    values = attributes.tensor("value").size if operation == "Const" else 0
    if message.size - values > MAX_NODE_BYTES:
        raise expected(path, f"its operation {cli.shown(name)} takes {message.size - values:,} bytes")
    inputs = message.texts(_NODE_INPUT)
    read = [text.rpartition(":") if ":" in text else (text, ":", "0") for text in inputs if text[:1] != "^"]
    if not all(output.isdecimal() and len(output) < 5 for _, _, output in read):
        raise protobuf.DecodeError(f"its operation {cli.shown(name)} reads what is not there")
    after = [text[1:] for text in inputs if text[:1] == "^"]
    return Node(name, operation, [(source, int(output)) for source, _, output in read], attributes, after)


def _input_shape(path: Path, nodes: dict[str, Node]) -> list[int | None]:
    node = nodes[_operation(INPUT_TENSOR)]
    if node.operation != "Placeholder":
        raise expected(path, f"its {INPUT_TENSOR} is no input")
    if sum(other.operation == "Placeholder" for other in nodes.values()) > 1:
        raise expected(path, "it has more inputs")
    if node.source.type("dtype") != UINT8:
        raise expected(path, f"its {INPUT_TENSOR} is not uint8")
    return node.source.shape("shape")


def _target(path: Path, nodes: dict[str, Node]) -> str | None:
    """The target's JSON. Texts are what an assertion says, or this: nothing computes on them."""
    texts = {name for name, node in nodes.items() if node.source.type("dtype") == STRING}
    for node in nodes.values():
        if node.operation != "Assert" and texts.intersection(name for name, _ in node.inputs):
            raise expected(path, f"its operation {cli.shown(node.name)} computes on text")
    for name in texts:
        if nodes[name].source.tensor("value").size > protobuf.MAX_TEXT_BYTES:
            raise expected(path, f"its text {cli.shown(name)} is too long")
    name = _operation(TARGET_TENSOR)
    if name not in nodes or nodes[name].operation != "Const":
        return None
    return nodes[name].source.tensor("value").text(TENSOR_STRINGS)
