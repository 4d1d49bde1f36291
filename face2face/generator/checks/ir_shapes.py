"""Shape inference for OpenVINO's operations, without OpenVINO: one rule for each allowed operation.

A rule takes a layer's attributes and its inputs `x`, and returns its outputs.
"""

from collections.abc import Callable
from functools import partial

import numpy as np

from face2face import cli
from face2face.generator.checks import ir_convolutions, shapes
from face2face.generator.checks.ir_attributes import BITS, KNOWN_TYPES, Attributes
from face2face.generator.checks.tensors import MAX_KNOWN, ShapeError, Tensor, known, unknown


def _parameter(node: Attributes, x: list[Tensor]) -> list[Tensor]:
    return [unknown(node.integers("shape"))]


def _constant(node: Attributes, x: list[Tensor]) -> list[Tensor]:
    result, kind = unknown(node.integers("shape")), node.text("element_type")
    if kind not in BITS:
        raise ShapeError(f"a constant of the type {cli.shown(kind)}")
    offset, size = node.integer("offset"), node.integer("size")
    if size != -(-result.size * BITS[kind] // 8) or not 0 <= offset <= len(node.weights) - size:
        raise ShapeError(f"a constant of {size} bytes at {offset}, of {len(node.weights)}")
    if kind in KNOWN_TYPES and result.size <= MAX_KNOWN:
        values = np.frombuffer(node.weights[offset : offset + size], KNOWN_TYPES[kind])
        return [known(values.reshape(result.shape).copy())]
    return [result]


def _result(node: Attributes, x: list[Tensor]) -> list[Tensor]:
    return []


def _convert(node: Attributes, x: list[Tensor]) -> list[Tensor]:
    kind = KNOWN_TYPES.get(node.text("destination_type"))
    return [known(x[0].array.astype(kind)) if x[0].is_known and kind else unknown(x[0].shape)]


def _first(node: Attributes, x: list[Tensor]) -> list[Tensor]:
    return [unknown(x[0].shape)]


def _pointwise(compute: Callable | None, node: Attributes, x: list[Tensor]) -> list[Tensor]:
    if node.text("auto_broadcast", "numpy") not in ("numpy", "none"):
        raise ShapeError("a way of broadcasting that is not known")
    return [shapes.pointwise(x, compute)]


def _reduce(node: Attributes, x: list[Tensor]) -> list[Tensor]:
    return [shapes.reduced(x[0], x[1].values("axes"), node.flag("keep_dims"))]


def _matrices(node: Attributes, x: list[Tensor]) -> list[Tensor]:
    return [shapes.matrix_product(x[0], x[1], node.flag("transpose_a"), node.flag("transpose_b"))]


# --- shape ----------------------------------------------------------------------------------------------


def _slice(node: Attributes, x: list[Tensor]) -> list[Tensor]:
    start, stop, step = (tensor.values("corners") for tensor in x[1:4])
    axes = x[4].values("axes") if len(x) > 4 else range(len(start))
    index = [slice(None)] * len(x[0].shape)
    for axis, *corners in zip(axes, start, stop, step, strict=True):
        index[axis] = slice(*corners)
    return [x[0].view(lambda array: array[tuple(index)])]


def _strided_slice(node: Attributes, x: list[Tensor]) -> list[Tensor]:
    begin, end = x[1].values("begin"), x[2].values("end")
    strides = x[3].values("strides") if len(x) > 3 else [1] * len(begin)
    masks = {
        name: [i for i, is_set in enumerate(node.integers(f"{name}_mask")) if is_set] for name in shapes.MASKS
    }
    return [x[0].view(lambda array: array[shapes.slices(begin, end, strides, masks)])]


def _reshape(node: Attributes, x: list[Tensor]) -> list[Tensor]:
    return [shapes.reshaped(x[0], x[1].values("shape"), node.flag("special_zero"))]


def _squeeze(node: Attributes, x: list[Tensor]) -> list[Tensor]:
    axes = tuple(x[1].values("axes")) if len(x) > 1 else ()
    return [x[0].view(lambda array: np.squeeze(array, axes or None))]  # no axes: all of length 1


def _unsqueeze(node: Attributes, x: list[Tensor]) -> list[Tensor]:
    axes = tuple(x[1].values("axes"))
    return [x[0].view(lambda array: np.expand_dims(array, axes))]


def _transpose(node: Attributes, x: list[Tensor]) -> list[Tensor]:
    order = x[1].values("order") or None
    return [x[0].view(lambda array: np.transpose(array, order))]


def _pad(node: Attributes, x: list[Tensor]) -> list[Tensor]:
    return [shapes.padded(x[0], x[1].values("pads"), x[2].values("pads"))]


def _interpolate(node: Attributes, x: list[Tensor]) -> list[Tensor]:
    """Infer Interpolate, by sizes: a graph of ours gives no scales."""
    if node.text("shape_calculation_mode") != "sizes":
        raise ShapeError("a resize by scales, where only sizes are supported")
    shape, axes = list(x[0].shape), x[-1].values("axes")
    for axis, size in zip(axes, x[1].values("size"), strict=True):
        before, after = node.integers("pads_begin"), node.integers("pads_end")
        if any(before) or any(after):
            raise ShapeError("a resize that pads")
        shape[axis] = size
    return [unknown(shape)]


def _broadcast(node: Attributes, x: list[Tensor]) -> list[Tensor]:
    shape = x[1].values("shape")
    if node.text("mode", "numpy") == "bidirectional":
        shape = np.broadcast_shapes(x[0].shape, unknown(shape).shape)
    return [unknown(shape)]


def _tile(node: Attributes, x: list[Tensor]) -> list[Tensor]:
    counts = x[1].values("repeats")
    rank = max(len(counts), len(x[0].shape))
    shape = [1] * (rank - len(x[0].shape)) + list(x[0].shape)
    counts = [1] * (rank - len(counts)) + counts
    return [unknown([side * count for side, count in zip(shape, counts, strict=True)])]


def _range(node: Attributes, x: list[Tensor]) -> list[Tensor]:
    """Infer Range, which generators use to list a few axes."""
    axes = range(*(tensor.value("ends") for tensor in x))
    if len(axes) > MAX_KNOWN:
        raise ShapeError(f"a range of {len(axes)} numbers")
    return [known(np.array(axes, KNOWN_TYPES.get(node.text("output_type"), np.int64)))]


def _blocks(is_to_depth: bool, node: Attributes, x: list[Tensor]) -> list[Tensor]:
    """Infer SpaceToDepth, which turns blocks of pixels into channels, or its inverse."""
    block = node.integer("block_size", 1)
    count, channels, *sides = x[0].shape
    if is_to_depth:
        return [unknown([count, channels * block ** len(sides), *(side // block for side in sides)])]
    return [unknown([count, channels // block ** len(sides), *(side * block for side in sides)])]


_GROUPS: list[tuple[str, Callable]] = [
    # Inputs, constants, and operations that pass tensors on.
    ("Parameter", _parameter),
    ("Const", _constant),
    ("Result", _result),
    ("Convert", _convert),
    ("ShapeOf", lambda node, x: [known(np.array(x[0].shape, np.int64))]),
    # Element by element.
    ("Add", partial(_pointwise, np.add)),
    ("Subtract", partial(_pointwise, np.subtract)),
    ("Multiply", partial(_pointwise, np.multiply)),
    (
        """Divide Power Maximum Minimum FloorMod SquaredDifference Equal NotEqual Less LessEqual Greater
        GreaterEqual LogicalAnd LogicalOr Select FakeQuantize""",
        partial(_pointwise, None),
    ),
    (
        """ConvertLike Floor Ceiling Round Clamp Negative Abs Sign Sqrt Exp Log LogicalNot ReLU PReLU Elu Selu
        Sigmoid SoftPlus Tanh""",
        _first,
    ),
    # Over several elements.
    ("ReduceMean ReduceSum ReduceProd ReduceMax ReduceMin ReduceLogicalAnd ReduceLogicalOr", _reduce),
    ("MVN", _first),
    ("AvgPool", ir_convolutions.average_pool),
    ("MaxPool", ir_convolutions.maximum_pool),
    ("MatMul", _matrices),
    ("Convolution", ir_convolutions.convolution),
    ("ConvolutionBackpropData", ir_convolutions.transposed_convolution),
    ("GroupConvolution", ir_convolutions.convolution_in_groups),
    ("GroupConvolutionBackpropData", ir_convolutions.transposed_convolution_in_groups),
    # Shape.
    ("Concat", lambda node, x: [shapes.concatenated(x, node.integer("axis"))]),
    ("Split", lambda node, x: shapes.split_evenly(x[0], x[1].value("axis"), node.integer("num_splits"))),
    ("VariadicSplit", lambda node, x: shapes.split(x[0], x[1].value("axis"), x[2].values("sizes"))),
    ("Slice", _slice),
    ("StridedSlice", _strided_slice),
    ("Reshape", _reshape),
    ("Squeeze", _squeeze),
    ("Unsqueeze", _unsqueeze),
    ("Transpose", _transpose),
    ("Pad", _pad),
    ("Interpolate", _interpolate),
    ("Broadcast", _broadcast),
    ("Tile", _tile),
    ("Range", _range),
    ("RandomUniform", lambda node, x: [unknown(x[0].values("shape"))]),
    ("SpaceToDepth", partial(_blocks, True)),
    ("DepthToSpace", partial(_blocks, False)),
]
RULES = {name: rule for names, rule in _GROUPS for name in names.split()}
"""The allowed operations with their rules: those of the IRs that `freeze_model.py --int8` writes, and similar
ones. None of them does more than compute on tensors in memory."""
