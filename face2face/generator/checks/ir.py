"""The check of OpenVINO's format, the IR: operations in an .xml, weights in the .bin beside it."""

import mmap
import re
from pathlib import Path
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from face2face import cli
from face2face.frozen_graph import INPUT_TENSOR, OUTPUT_TENSOR
from face2face.generator.checks import bounds, ir_shapes
from face2face.generator.checks.bounds import Node
from face2face.generator.checks.generator_file import (
    MAX_BYTES,
    GeneratorFile,
    check_face,
    model_space_side,
    not_a_generator,
    operation_refused,
)
from face2face.generator.checks.tensors import ShapeError

TARGET_IN_IR = ("face2face", "target")
"""The path of the target's JSON in an IR's runtime information, `rt_info`."""

_MAX_TEXT_BYTES = 2**26
_MAX_ELEMENTS = 1_000_000
_MAX_NESTING = 32

_DECLARATION = re.compile(
    rb"""<\?xml\s+version\s*=\s*["']1\.0["'](\s+encoding\s*=\s*["'][Uu][Tt][Ff]-8["'])?"""
    rb"""(\s+standalone\s*=\s*["'](yes|no)["'])?\s*\?>"""
)
"""An XML declaration of UTF-8 text, which all readers decode alike."""

_NUMBER = re.compile("0|[1-9][0-9]{0,8}")
"""A layer's number, in the one notation that all readers parse alike."""

_OPERATION_SET = re.compile("opset[0-9]{1,2}")
"""OpenVINO's own operation sets. Extensions have other names."""

_PARTS_OF_A_NET = {"layers", "edges", "rt_info", "meta_data", "statistics"}
_PARTS_OF_A_LAYER = {"data", "input", "output", "rt_info"}


def check(path: Path) -> GeneratorFile:
    """Inspect an IR.

    Args:
        path: The .xml.

    Raises:
        UserError: If it is damaged, no generator, too large, or could do more than paint.
        ShapeError: If an operation does not fit its inputs, or a bound is exceeded.
    """
    weights = cli.existing_file(path.with_suffix(".bin"), "the weights of the frozen model")
    network = _network(path)
    layers = _layers(path, network)
    names = [
        (layer.get("id"), output, name)
        for layer in layers
        for output, port in enumerate(layer.findall("output/port"))
        for name in port.get("names", "").split(",")
    ]
    painted = [(layer, output) for layer, output, name in names if name == OUTPUT_TENSOR]
    if len(painted) != 1 or all(name != INPUT_TENSOR for *_, name in names):
        raise not_a_generator(path, "it has no such tensors")
    size = weights.stat().st_size
    if size > MAX_BYTES:
        raise not_a_generator(path, f"weights of {size / 1e9:.1f} GB, more than a graph can have")
    with weights.open("rb") as file:
        data = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) if size else b"")
    nodes = _nodes(layers, network, data)
    inputs = [node for node in nodes.values() if node.operation == "Parameter"]
    if len(inputs) != 1 or inputs[0].attributes.text("element_type") != "u8":
        raise not_a_generator(path, f"its only input is not {INPUT_TENSOR} of uint8")
    sizes = [word.strip() for word in inputs[0].attributes.text("shape").split(",")]
    image_size = model_space_side(path, [int(word) if _NUMBER.fullmatch(word) else None for word in sizes])
    found = bounds.infer(nodes, ir_shapes.RULES)
    ((layer, output),) = painted
    check_face(path, found[layer][output:], image_size)
    target = _target(network)
    is_int8 = any(node.operation == "FakeQuantize" for node in nodes.values())
    return GeneratorFile(path, image_size, target, is_int8)


def knows_target(path: Path) -> bool:
    """Whether an .xml is an IR with a target's description; its .bin is not looked at.

    Raises:
        OSError: If it cannot be read.
        UserError: If it is no such text.
    """
    return _target(_network(path)) is not None


def _target(network: Element) -> str | None:
    note = network.find("/".join((".", "rt_info", *TARGET_IN_IR)))
    return None if note is None else note.get("value")


def _network(path: Path) -> Element:
    """Parse the .xml; text that XML readers may read differently is refused.

    Raises:
        UserError: If it is refused, damaged or too large.
    """
    if path.stat().st_size > _MAX_TEXT_BYTES:
        raise not_a_generator(path, f"{path.stat().st_size / 1e6:.0f} MB of text")
    text = path.read_bytes()
    declaration = _DECLARATION.match(text)
    body = text[declaration.end() :] if declaration else text
    try:
        body.decode()
    except UnicodeDecodeError:
        raise not_a_generator(path, "its text is not UTF-8") from None
    for mark, what in ((b"<!", "entities, or comments"), (b"<?", "instructions"), (b"xmlns", "namespaces")):
        if mark in body:
            raise not_a_generator(path, f"it has {what}, which no IR needs")
    if body.count(b"<") > _MAX_ELEMENTS:
        raise not_a_generator(path, "it has too many parts")
    try:
        network = ElementTree.fromstring(body)
    except (ElementTree.ParseError, ValueError) as error:
        raise not_a_generator(path, f"damaged, or no IR at all: {error}") from None
    level = [network]
    for _ in range(_MAX_NESTING):
        level = [part for whole in level for part in whole]
    if level:  # readers recurse into nested elements
        raise not_a_generator(path, f"its parts are nested more than {_MAX_NESTING} deep")
    return network


def _layers(path: Path, network: Element) -> list[Element]:
    """The layers; UserError if one has an operation that is not allowed, or elements nested in it."""
    for layer in network.iter("layer"):
        if layer.get("type") not in ir_shapes.RULES:
            raise operation_refused(path, layer.get("type", ""), layer.get("name", ""))
        if not _OPERATION_SET.fullmatch(layer.get("version", "")):
            raise operation_refused(
                path, f"{layer.get('version')}.{layer.get('type')}", layer.get("name", "")
            )
    layers = network.findall("layers/layer")
    known = [({part.tag for part in network}, _PARTS_OF_A_NET)]
    known += [({part.tag for part in layer}, _PARTS_OF_A_LAYER) for layer in layers]
    # Where an element occurs twice, readers disagree on which one counts.
    twice = any(len({part.tag for part in whole}) < len(whole) for whole in [network, *layers])
    if network.tag != "net" or twice or any(not found <= allowed for found, allowed in known):
        raise not_a_generator(path, "damaged, or no IR at all: it has parts that an IR does not have")
    return layers


def _nodes(layers: list[Element], network: Element, weights: memoryview) -> dict[str, Node]:
    """The layers as nodes by their ids. An edge leads from an output port to an input port."""
    sources = {}
    for edge in network.findall("edges/edge"):
        reader = (edge.get("to-layer", ""), edge.get("to-port", ""))
        if reader in sources:
            raise ShapeError("one of its inputs comes from two outputs")
        sources[reader] = (edge.get("from-layer", ""), edge.get("from-port", ""))
    ports = {
        (layer.get("id"), port.get("id")): output
        for layer in layers
        for output, port in enumerate(layer.findall("output/port"))
    }
    nodes = {}
    for layer in layers:
        name = layer.get("id", "")
        read = [sources.get((name, port.get("id"))) for port in layer.findall("input/port")]
        if name in nodes or not _NUMBER.fullmatch(name) or any(source not in ports for source in read):
            raise ShapeError(f"its layer {name[:20]!a} is there twice, or reads what is not there")
        inputs = [(source[0], ports[source]) for source in read]
        nodes[name] = Node(name, layer.get("type"), inputs, ir_shapes.Attributes(layer, weights))
    if len(sources) > sum(len(node.inputs) for node in nodes.values()):
        raise ShapeError("one of its edges leads nowhere")
    return nodes
