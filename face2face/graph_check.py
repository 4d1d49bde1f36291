"""Looks into a generator's file before anything runs it: a graph from a stranger is a program.

Only operations that compute on tensors in memory are let through, by name; whatever else a graph may ask
TensorFlow or OpenVINO to do (read and write files, run Python, open sockets, wait in queues, loop) is not.
Neither engine is needed for it, nor imported.
"""

import math
import mmap
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from face2face import cli, protobuf
from face2face.cli import UserError
from face2face.protobuf import Message

INPUT_TENSOR = "image_tensor:0"
OUTPUT_TENSOR = "generate_output/output:0"
TARGET_TENSOR = "face2face/target:0"
"""The contract of a frozen graph. The first two are those of the 2017 demo; its graphs lack the third."""

IR_ENDING = ".xml"
"""Of OpenVINO's own format: operations in the .xml, weights in the .bin beside it."""

TARGET_IN_IR = ("face2face", "target")
"""Where an IR keeps the target's JSON, in its section for such notes."""

_OPERATIONS = {
    "what goes in, and comes out": """Placeholder Const Identity IdentityN NoOp StopGradient Assert Shape Size
        Rank Cast""",
    "point by point": """Add AddV2 AddN Sub Mul Div RealDiv FloorDiv FloorMod Neg Abs Sign Square
        SquaredDifference Sqrt Rsqrt Reciprocal Pow Exp Log Maximum Minimum ClipByValue Floor Ceil Round Rint
        Equal NotEqual Less LessEqual Greater GreaterEqual LogicalAnd LogicalOr LogicalNot Select SelectV2
        Relu Relu6 LeakyRelu Elu Selu Sigmoid Softplus Tanh""",
    "over several points": """Sum Mean Max Min Prod All Any MatMul Conv2D Conv2DBackpropInput
        DepthwiseConv2dNative BiasAdd FusedBatchNorm FusedBatchNormV2 FusedBatchNormV3 AvgPool MaxPool""",
    "shape": """Reshape ExpandDims Squeeze Transpose Concat ConcatV2 Split SplitV Pack Unpack Slice
        StridedSlice
        Pad PadV2 MirrorPad Fill Tile ResizeArea ResizeBilinear ResizeBicubic ResizeNearestNeighbor
        SpaceToDepth DepthToSpace""",
    "the dropout that the original left on": "RandomUniform",
}
ALLOWED_OPERATIONS = frozenset(" ".join(_OPERATIONS.values()).split())
"""What generators are made of in TensorFlow: ours, the 2017 demo's, and their likes."""

_IR_OPERATIONS = {
    "what goes in, and comes out": "Parameter Const Result Convert ConvertLike ShapeOf",
    "point by point": """Add Subtract Multiply Divide Floor Round Clamp Negative Abs Sqrt Power Exp Maximum
        Minimum SquaredDifference Select FakeQuantize ReLU PReLU Elu Sigmoid Tanh""",
    "over several points": """ReduceMean ReduceSum MatMul Convolution ConvolutionBackpropData
        GroupConvolution GroupConvolutionBackpropData""",
    "shape": """Concat Split VariadicSplit Slice StridedSlice Reshape Squeeze Unsqueeze Transpose Pad
        Interpolate Broadcast SpaceToDepth DepthToSpace""",
}
ALLOWED_IR_OPERATIONS = frozenset(" ".join(_IR_OPERATIONS.values()).split())
"""The same in OpenVINO's words: what `freeze_model.py --int8` writes, and such graphs made elsewhere."""

MAX_BYTES = 2**31 - 1
"""Of a graph: protobuf can hold no more."""
MAX_VALUES = 2**29
"""In all constants of a graph together. A few bytes can ask for any number of zeros."""
MAX_SIDE = 4096
"""Of model space, in pixels."""
_MAX_IR_BYTES = 2**26
_MAX_FIELDS = 1_000_000

# Field numbers of TensorFlow's messages.
_GRAPH_NODE, _GRAPH_LIBRARY, _GRAPH_NUMBERS = 1, 2, {1, 2, 3, 4, 5}
_LIBRARY_FUNCTION, _FUNCTION_SIGNATURE, _FUNCTION_NODE, _SIGNATURE_NAME = 1, 1, 3, 1
_FUNCTION_NUMBERS = {1, 3, 4, 5, 6, 7}
_NODE_NAME, _NODE_OPERATION, _NODE_ATTRIBUTE = 1, 2, 5
_ENTRY_KEY, _ENTRY_VALUE = 1, 2
_VALUE_TYPE, _VALUE_SHAPE, _VALUE_TENSOR = 6, 7, 8
_TENSOR_SHAPE, _TENSOR_STRINGS = 2, 8
_SHAPE_DIMENSION, _SHAPE_UNKNOWN, _DIMENSION_SIZE = 2, 3, 1
_TYPE_UINT8 = 4


@dataclass(frozen=True)
class GeneratorFile:
    """A file that was found to hold a generator and nothing else.

    image_size: side of model space. target: the JSON of what it knows of its target, or None.
    is_int8: whether it calculates, where it can, in whole numbers of 8 bits.
    """

    path: Path
    image_size: int
    target: str | None
    is_int8: bool = False

    @property
    def is_ir(self) -> bool:
        return self.path.suffix.lower() == IR_ENDING

    @property
    def files(self) -> list[Path]:
        """All files that the generator is in."""
        return [self.path, *([self.path.with_suffix(".bin")] if self.is_ir else [])]


def check(path: str | Path) -> GeneratorFile:
    """Look into a frozen graph (.pb), or OpenVINO's .xml with its .bin.

    Raises: UserError if the file is missing, damaged, no generator's, or could do more than paint.
    """
    path = cli.existing_file(path, "the frozen model")
    return _check_ir(path) if path.suffix.lower() == IR_ENDING else _check_graph(path)


def expected(path: Path, reason: str) -> UserError:
    """The error of a file that is no generator."""
    return UserError(f"expected a frozen graph from {INPUT_TENSOR} to {OUTPUT_TENSOR}, got {path} ({reason})")


# --- TensorFlow's frozen graph --------------------------------------------------------------------------


def _check_graph(path: Path) -> GeneratorFile:
    size = path.stat().st_size
    if not size:
        raise expected(path, "an empty file")
    if size > MAX_BYTES:
        raise expected(path, f"{size / 1e9:.1f} GB, more than a graph can have")
    with path.open("rb") as file:
        # Not read, and let go with the last message that looks into it.
        data = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    try:
        return _check_message(path, data)
    except protobuf.DecodeError as error:
        raise expected(path, f"damaged, or no graph at all: {error}") from None


def _check_message(path: Path, data: memoryview) -> GeneratorFile:
    graph = Message(data, protobuf.Budget(_MAX_FIELDS))
    if not graph.numbers() <= _GRAPH_NUMBERS:
        raise protobuf.DecodeError("it has fields that graphs do not have")
    named: dict[str, Message] = {}
    values = 0
    for node in graph.messages(_GRAPH_NODE):
        _check_operation(path, node)
        named[node.text(_NODE_NAME)] = node
        if node.text(_NODE_OPERATION) == "Const":
            values += _count(_attribute(node, "value").message(_VALUE_TENSOR).message(_TENSOR_SHAPE))
    for library in graph.messages(_GRAPH_LIBRARY):
        for function in library.messages(_LIBRARY_FUNCTION):
            if not function.numbers() <= _FUNCTION_NUMBERS:  # it may be something else to another reader
                raise protobuf.DecodeError("it has fields that functions do not have")
            name = function.message(_FUNCTION_SIGNATURE).text(_SIGNATURE_NAME)
            for node in function.messages(_FUNCTION_NODE):
                _check_operation(path, node, f" of its function {_shown(name)}")
        if library.numbers() - {_LIBRARY_FUNCTION}:
            raise UserError(f"refused {path}: it brings gradients, which no generator needs")
    if values > MAX_VALUES:
        raise expected(path, f"its constants have {values:,} values, at most {MAX_VALUES:,} are expected")
    for tensor in (INPUT_TENSOR, OUTPUT_TENSOR):
        if _operation(tensor) not in named:
            raise expected(path, f"it has no {_operation(tensor)}")
    shape = _input_shape(path, named[_operation(INPUT_TENSOR)])
    return GeneratorFile(path, _side(path, shape), _target(named.get(_operation(TARGET_TENSOR))))


def _check_operation(path: Path, node: Message, where: str = "") -> None:
    operation = node.text(_NODE_OPERATION)
    if operation not in ALLOWED_OPERATIONS:
        name = _shown(node.text(_NODE_NAME))
        raise _refused(path, operation, f"{name}{where}")


def _refused(path: Path, operation: str, where: str) -> UserError:
    return UserError(
        f"refused {path}: its operation {_shown(operation)} ({where}) is none that a generator needs, "
        "and could do more than paint"
    )


def _attribute(node: Message, key: str) -> Message:
    """An attribute's value; an empty message if it is not there."""
    entries = [entry for entry in node.messages(_NODE_ATTRIBUTE) if entry.text(_ENTRY_KEY) == key]
    if len(entries) > 1:
        raise protobuf.DecodeError(f"an attribute {key} is there {len(entries)} times")
    return entries[0].message(_ENTRY_VALUE) if entries else Message(memoryview(b""), protobuf.Budget(0))


def _sizes(shape: Message) -> list[int | None]:
    """The sizes of a shape's dimensions, None where one is left open."""
    sizes = [dimension.integer(_DIMENSION_SIZE) for dimension in shape.messages(_SHAPE_DIMENSION)]
    return [None if size < 0 else size for size in sizes]


def _count(shape: Message) -> int:
    """How many values a constant has."""
    sizes = _sizes(shape)
    if None in sizes:
        raise protobuf.DecodeError("a constant's shape is left open")
    return math.prod(sizes)


def _input_shape(path: Path, node: Message) -> list[int | None]:
    if node.text(_NODE_OPERATION) != "Placeholder":
        raise expected(path, f"its {INPUT_TENSOR} is no input")
    if _attribute(node, "dtype").integer(_VALUE_TYPE) != _TYPE_UINT8:
        raise expected(path, f"its {INPUT_TENSOR} is not uint8")
    shape = _attribute(node, "shape").message(_VALUE_SHAPE)
    if shape.integer(_SHAPE_UNKNOWN) or not shape.numbers():
        raise expected(path, f"the shape of its {INPUT_TENSOR} is unknown")
    return _sizes(shape)


def _side(path: Path, shape: list[int | None]) -> int:
    """Of an input's shape, the side of model space."""
    if len(shape) != 3 or not shape[0] or shape[1] != 2 * shape[0] or shape[2] != 3:
        raise UserError(f"{path}: expected {INPUT_TENSOR} of shape (S, 2 S, 3), got {shape}")
    if shape[0] > MAX_SIDE:
        raise UserError(f"{path}: expected pictures of at most {MAX_SIDE} pixels, got {shape[0]}")
    return shape[0]


def _target(node: Message | None) -> str | None:
    if node is None or node.text(_NODE_OPERATION) != "Const":
        return None
    return _attribute(node, "value").message(_VALUE_TENSOR).text(_TENSOR_STRINGS)


def _operation(tensor: str) -> str:
    return tensor.split(":")[0]


def _shown(name: str) -> str:
    """A stranger's text, fit for a terminal's line."""
    return ascii(name[:80])[1:-1] or "''"


# --- OpenVINO's IR --------------------------------------------------------------------------------------


def _check_ir(path: Path) -> GeneratorFile:
    cli.existing_file(path.with_suffix(".bin"), "the weights of the frozen model")
    if path.stat().st_size > _MAX_IR_BYTES:
        raise expected(path, f"{path.stat().st_size / 1e6:.0f} MB of text")
    text = path.read_bytes()
    if b"<!DOCTYPE" in text or b"<!ENTITY" in text:  # which could be made to grow without end
        raise expected(path, "it defines entities")
    try:
        network = ElementTree.fromstring(text)
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise expected(path, f"damaged, or no IR at all: {error}") from None
    for layer in network.iter("layer"):
        if layer.get("type") not in ALLOWED_IR_OPERATIONS:
            raise _refused(path, layer.get("type", ""), _shown(layer.get("name", "")))
    operations = {layer.get("type") for layer in network.iter("layer")}
    tensors = {
        name
        for port in network.iter("port")
        for name in (port.get("names") or "").split(",")
        if name in (INPUT_TENSOR, OUTPUT_TENSOR)
    }
    if len(tensors) < 2:
        raise expected(path, "it has no such tensors")
    inputs = [layer for layer in network.iter("layer") if layer.get("type") == "Parameter"]
    data = inputs[0].find("data") if len(inputs) == 1 else None
    if data is None or data.get("element_type") != "u8":
        raise expected(path, f"its only input is not {INPUT_TENSOR} of uint8")
    sizes = [word.strip() for word in (data.get("shape") or "").split(",")]
    shape = [int(word) if word.isdecimal() else None for word in sizes]
    note = network.find("/".join((".", "rt_info", *TARGET_IN_IR)))
    target = None if note is None else note.get("value")
    return GeneratorFile(path, _side(path, shape), target, "FakeQuantize" in operations)
