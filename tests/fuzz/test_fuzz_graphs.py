"""The readers of generators: protobuf, frozen graphs, OpenVINO's IR; and what is let through is run."""

import copy
import functools
import tempfile
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import strategies as st

from face2face import loading
from face2face.cli import UserError
from face2face.generator import graph_check
from face2face.generator.checks import generator_file, graph_shapes, ir, ir_shapes, protobuf
from face2face.target.target_file import Target
from tests import made
from tests.fuzz import harness, mutations, wire
from tests.fuzz.any_graph import any_graph
from tests.fuzz.harness import Reader
from tests.fuzz.valid import SIZE, pairs_sidecar

OPERATIONS = tuple(sorted(graph_shapes.RULES))
WORDS = (*OPERATIONS, "image_tensor", "generate_output/output", "ReadFile", "^image_tensor", "a:1", "")

IR_WORDS = (
    *sorted(ir_shapes.RULES),
    *("ReadValue", "Loop", "f32", "u8", "i64", "-1", "0", "1,1", "", "64,128,3", "9" * 30, "x", "1e9"),
    *("4294967295", "18446744073709551615", "-9223372036854775808", "same_upper", "image_tensor:0"),
)


@functools.cache
def graphs() -> list[bytes]:
    """A frozen generator of random weights that knows its target, and a graph that repeats its drawing."""
    from pix2pix import frozen, networks

    known = Target.measure(pairs_sidecar(), SIZE)
    generator = networks.generator_of(made.SMALL, folded=True)
    with tempfile.TemporaryDirectory() as folder:
        repeating = made.repeating_model(Path(folder) / "repeating.pb", SIZE).read_bytes()
    return [frozen.freeze(generator, known).SerializeToString(), repeating]


@functools.cache
def irs() -> list[tuple[bytes, bytes]]:
    """The same as OpenVINO's .xml and .bin."""
    import openvino

    found = []
    for graph in graphs():
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "graph.pb").write_bytes(graph)
            model = loading.openvino_core().read_model(Path(folder) / "graph.pb")
            model.set_rt_info("{}", list(ir.TARGET_IN_IR))
            if graph is graphs()[0]:
                model.set_rt_info(Target(SIZE).to_json(), list(ir.TARGET_IN_IR))
            else:
                del model.rt_info[ir.TARGET_IN_IR[0]]
            openvino.save_model(model, Path(folder) / "graph.xml", compress_to_fp16=False)
            del model
            found.append(tuple((Path(folder) / f"graph.{end}").read_bytes() for end in ("xml", "bin")))
    return found


# --- changed IRs ------------------------------------------------------------------------------------------

_xml_change = st.tuples(
    st.sampled_from(
        ("attribute", "attribute", "attribute", "text", "drop", "double", "nest", "rename", "move")
    ),
    mutations.NUMBERS,
    mutations.NUMBERS,
    st.sampled_from(IR_WORDS),
)


def irs_like() -> st.SearchStrategy[tuple[bytes, bytes]]:
    def changed_xml(ir: tuple, changes: Sequence[tuple], weights: Sequence[tuple]) -> tuple[bytes, bytes]:
        tree = ElementTree.fromstring(ir[0])
        for change in changes:
            _change_element(tree, *change)
        return ElementTree.tostring(tree), mutations.changed_bytes(ir[1], ir[0], weights)

    valid = irs()
    changes = st.lists(_xml_change, min_size=1, max_size=4)
    weights = st.one_of(st.just([]), st.just([]), st.lists(mutations.byte_change, max_size=2))
    structured = st.builds(changed_xml, st.sampled_from(valid), changes, weights)
    as_bytes = st.builds(
        lambda text, ir: (text, ir[1]), mutations.bytes_like([ir[0] for ir in valid]), st.sampled_from(valid)
    )
    return st.one_of(structured, structured, structured, as_bytes)


def _change_element(tree: ElementTree.Element, kind: str, where: int, amount: int, word: str) -> None:
    elements = list(tree.iter())
    element = elements[where % len(elements)]
    children = list(element)
    if kind == "attribute" and element.attrib:
        key = sorted(element.attrib)[amount % len(element.attrib)]
        element.set(key, word)
    elif kind == "text":
        element.text = word
    elif kind == "rename":
        element.tag = elements[amount % len(elements)].tag
    elif kind == "nest":
        inner = copy.deepcopy(element) if len(list(element.iter())) < 20 else ElementTree.Element("layer")
        for _ in range(1 + amount % 300):
            outer = ElementTree.Element(element.tag, element.attrib)
            outer.append(inner)
            inner = outer
        element.append(inner)
    elif kind == "move" and children:
        other = elements[amount % len(elements)]
        other.append(copy.deepcopy(children[0])) if len(list(children[0].iter())) < 20 else None
    elif children:
        child = children[amount % len(children)]
        element.append(copy.deepcopy(child)) if kind == "double" else element.remove(child)


# --- what reads them --------------------------------------------------------------------------------------


def place_graph(folder: Path, data: object) -> list[str]:
    """data: a frozen graph, or an IR's two files."""
    parts = (
        zip(("input.xml", "input.bin"), data, strict=True)
        if isinstance(data, tuple)
        else [("input.pb", data)]
    )
    for name, content in parts:
        (folder / name).write_bytes(content)
    (folder / "foreign.bin").write_text("somebody else's")
    return []


def placed(folder: Path) -> Path:
    return next(path for path in folder.iterdir() if path.suffix != ".bin")


def read_message(folder: Path) -> None:
    """All of a message, with all that could be one inside it."""

    def walk(message: protobuf.Message, depth: int) -> None:
        for number in message.numbers():
            for ask in (message.text, message.integer):
                try:
                    ask(number)
                except protobuf.DecodeError:
                    continue
            try:
                for inner in message.messages(number):
                    walk(inner, depth + 1) if depth < 30 else None
            except protobuf.DecodeError:
                continue

    try:
        data = memoryview((folder / "input").read_bytes())
        walk(protobuf.Message(data, protobuf.Budget(100_000)), 0)
    except protobuf.DecodeError as error:
        raise UserError(str(error)) from None


def check(folder: Path) -> None:
    assert 0 < graph_check.check(placed(folder)).image_size <= generator_file.MAX_SIDE


def run(folder: Path) -> None:
    """By OpenVINO, with a face of black: what the program would do."""
    from face2face.generator.generator import Generator

    generator = Generator(placed(folder), "openvino")
    size = generator.target.image_size
    assert generator(np.zeros((size, size, 3), np.uint8)).shape == (size, size, 3)


def all_kinds() -> st.SearchStrategy:
    nowhere = any_graph(OPERATIONS)
    return st.one_of(wire.graphs_like(graphs(), WORDS), irs_like(), irs_like(), nowhere, nowhere)


READERS = [
    Reader("protobuf", read_message, lambda: wire.graphs_like(graphs(), WORDS), graphs, 1500),
    Reader("frozen graph", check, lambda: wire.graphs_like(graphs(), WORDS), graphs, 1200, place_graph),
    Reader("frozen graph from nowhere", check, lambda: any_graph(OPERATIONS), graphs, 1100, place_graph),
    Reader("OpenVINO's IR", check, irs_like, irs, 1000, place_graph),
    Reader("generator, run", run, all_kinds, lambda: [*graphs(), *irs()], 1200, place_graph),
]


@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.name)
def test_a_graph_is_read_or_refused_in_one_line(reader, process):
    harness.fuzz(reader, process)
