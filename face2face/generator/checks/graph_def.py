"""The check of TensorFlow's format: a `GraphDef` message in protobuf's wire format."""

import mmap
from pathlib import Path

from face2face import cli
from face2face.cli import UserError
from face2face.frozen_graph import INPUT_TENSOR, OUTPUT_TENSOR, TARGET_TENSOR
from face2face.frozen_graph import operation as _operation
from face2face.generator.checks import bounds, protobuf
from face2face.generator.checks.bounds import Node
from face2face.generator.checks.generator_file import (
    MAX_BYTES,
    GeneratorFile,
    check_face,
    model_space_side,
    not_a_generator,
    operation_refused,
)
from face2face.generator.checks.graph_attributes import STRING, TENSOR_STRINGS, UINT8, Attributes
from face2face.generator.checks.graph_shapes import RULES
from face2face.generator.checks.protobuf import Message

MAX_NODE_BYTES = 2**16
"""Maximum size of a node's name, inputs and attributes, without the values of a constant."""
_MAX_FIELDS = 1_000_000

# Field numbers of TensorFlow's messages GraphDef and NodeDef.
_GRAPH_NODE, _GRAPH_LIBRARY, _GRAPH_NUMBERS = 1, 2, {1, 2, 3, 4, 5}
_NODE_NAME, _NODE_OPERATION, _NODE_INPUT = 1, 2, 3


def check(path: Path) -> GeneratorFile:
    """Inspect a frozen graph (.pb).

    Raises:
        UserError: If it is no generator, too large, or could do more than paint.
        DecodeError: If it is damaged.
        ShapeError: If an operation does not fit its inputs, or a bound is exceeded.
    """
    size = path.stat().st_size
    if not size:
        raise not_a_generator(path, "an empty file")
    if size > MAX_BYTES:
        raise not_a_generator(path, f"{size / 1e9:.1f} GB, more than a graph can have")
    with path.open("rb") as file:
        # The file is mapped, not read: the mapping ends with the last message that refers to it.
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
            raise not_a_generator(path, f"it has no {_operation(tensor)}")
    image_size = model_space_side(path, _input_shape(path, nodes))
    target = _target(path, nodes)
    check_face(path, bounds.infer(nodes, RULES)[_operation(OUTPUT_TENSOR)], image_size)
    return GeneratorFile(path, image_size, target)


def _node(path: Path, message: Message) -> Node:
    operation, name = message.text(_NODE_OPERATION), message.text(_NODE_NAME)
    if operation not in RULES:
        raise operation_refused(path, operation, name)
    attributes = Attributes(message)
    values = attributes.tensor("value").size if operation == "Const" else 0
    if message.size - values > MAX_NODE_BYTES:
        raise not_a_generator(path, f"its operation {cli.shown(name)} takes {message.size - values:,} bytes")
    # An input is "node", "node:output", or "^node": a control dependency, which passes no tensor.
    inputs = message.texts(_NODE_INPUT)
    read = [text.rpartition(":") if ":" in text else (text, ":", "0") for text in inputs if text[:1] != "^"]
    if not all(output.isdecimal() and len(output) < 5 for _, _, output in read):
        raise protobuf.DecodeError(f"its operation {cli.shown(name)} reads what is not there")
    after = [text[1:] for text in inputs if text[:1] == "^"]
    return Node(name, operation, [(source, int(output)) for source, _, output in read], attributes, after)


def _input_shape(path: Path, nodes: dict[str, Node]) -> list[int | None]:
    node = nodes[_operation(INPUT_TENSOR)]
    if node.operation != "Placeholder":
        raise not_a_generator(path, f"its {INPUT_TENSOR} is no input")
    if sum(other.operation == "Placeholder" for other in nodes.values()) > 1:
        raise not_a_generator(path, "it has more inputs")
    if node.attributes.type("dtype") != UINT8:
        raise not_a_generator(path, f"its {INPUT_TENSOR} is not uint8")
    return node.attributes.shape("shape")


def _target(path: Path, nodes: dict[str, Node]) -> str | None:
    """The target's JSON.

    String constants may be the message of an assertion or the target's JSON; no operation computes on them.
    """
    texts = {name for name, node in nodes.items() if node.attributes.type("dtype") == STRING}
    for node in nodes.values():
        if node.operation != "Assert" and texts.intersection(name for name, _ in node.inputs):
            raise not_a_generator(path, f"its operation {cli.shown(node.name)} computes on text")
    for name in texts:
        if nodes[name].attributes.tensor("value").size > protobuf.MAX_TEXT_BYTES:
            raise not_a_generator(path, f"its text {cli.shown(name)} is too long")
    name = _operation(TARGET_TENSOR)
    if name not in nodes or nodes[name].operation != "Const":
        return None
    return nodes[name].attributes.tensor("value").text(TENSOR_STRINGS)
