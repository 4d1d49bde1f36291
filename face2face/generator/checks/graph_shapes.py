"""Shape inference for TensorFlow's operations, without TensorFlow: one rule for each allowed operation.

A rule takes a node's attributes and its inputs `x`, and returns its outputs.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np

from face2face.generator.checks import graph_convolutions, shapes
from face2face.generator.checks.graph_attributes import TYPES, Attributes
from face2face.generator.checks.tensors import MAX_KNOWN, ShapeError, Tensor, known, unknown


def _constant(node: Attributes, x: list[Tensor]) -> list[Tensor]:
    result = unknown(node.constant_shape())
    values = node.constant_values(result.size) if result.size <= MAX_KNOWN else None
    return [result if values is None else known(values.reshape(result.shape))]


def _placeholder(node: Attributes, x: list[Tensor]) -> list[Tensor]:
    sides = node.shape("shape")
    if None in sides:
        raise ShapeError("an input's shape is left open")
    return [unknown(sides)]


def _cast(node: Attributes, x: list[Tensor]) -> list[Tensor]:
    kind = TYPES.get(node.type("DstT"))
    if x[0].is_known and kind:
        with np.errstate(all="ignore"):
            return [known(x[0].array.astype(kind))]
    return [unknown(x[0].shape)]


def _number(tell: Callable[[Tensor], object], node: Attributes, x: list[Tensor]) -> list[Tensor]:
    """Infer Shape, Size and Rank. tell: computes the value from the input."""
    return [known(np.array(tell(x[0]), TYPES.get(node.type("out_type"), np.int32)))]


def _reduce(compute: Callable | None, node: Attributes, x: list[Tensor]) -> list[Tensor]:
    return [shapes.reduced(x[0], x[1].values("axes"), node.flag("keep_dims"), compute)]


def _pointwise(compute: Callable | None, node: Attributes, x: list[Tensor]) -> list[Tensor]:
    return [shapes.pointwise(x, compute)]


def _normalise(node: Attributes, x: list[Tensor]) -> list[Tensor]:
    return [unknown(x[0].shape), *[unknown(x[1].shape)] * 5]


def _matrices(node: Attributes, x: list[Tensor]) -> list[Tensor]:
    return [shapes.matrix_product(x[0], x[1], node.flag("transpose_a"), node.flag("transpose_b"))]


# --- shape ----------------------------------------------------------------------------------------------


def _strided_slice(node: Attributes, x: list[Tensor]) -> list[Tensor]:
    begin, end, strides = (tensor.values("corners") for tensor in x[1:])
    masks = {
        name: [i for i in range(len(begin)) if node.integer(f"{name}_mask") >> i & 1] for name in shapes.MASKS
    }
    return [x[0].view(lambda array: array[shapes.slices(begin, end, strides, masks)])]


def _slice(node: Attributes, x: list[Tensor]) -> list[Tensor]:
    begin, size = x[1].values("begin"), x[2].values("size")
    index = tuple(
        slice(low, None if count == -1 else low + count) for low, count in zip(begin, size, strict=True)
    )
    return [x[0].view(lambda array: array[index])]


def _pack(node: Attributes, x: list[Tensor]) -> list[Tensor]:
    axis = node.integer("axis")
    parts = [tensor.view(lambda array: np.expand_dims(array, axis)) for tensor in x]
    return [shapes.concatenated(parts, axis)]


def _unpack(node: Attributes, x: list[Tensor]) -> list[Tensor]:
    axis = node.integer("axis")
    parts = shapes.split_evenly(x[0], axis, node.integer("num"))
    return [part.view(lambda array: np.squeeze(array, axis)) for part in parts]


def _squeeze(node: Attributes, x: list[Tensor]) -> list[Tensor]:
    axes = tuple(node.integers("squeeze_dims")) or None
    return [x[0].view(lambda array: np.squeeze(array, axes))]


def _expand(node: Attributes, x: list[Tensor]) -> list[Tensor]:
    axis = x[1].value("axis")
    return [x[0].view(lambda array: np.expand_dims(array, axis))]


def _transpose(node: Attributes, x: list[Tensor]) -> list[Tensor]:
    order = x[1].values("order")
    return [x[0].view(lambda array: np.transpose(array, order))]


def _pad(node: Attributes, x: list[Tensor]) -> list[Tensor]:
    paddings = x[1].values("paddings")
    return [shapes.padded(x[0], paddings[::2], paddings[1::2])]


def _fill(node: Attributes, x: list[Tensor]) -> list[Tensor]:
    result = unknown(x[0].values("size"))
    if x[1].is_known and result.size <= MAX_KNOWN:
        return [known(np.full(result.shape, x[1].array))]
    return [result]


def _tile(node: Attributes, x: list[Tensor]) -> list[Tensor]:
    counts = x[1].values("multiples")
    return [unknown([side * count for side, count in zip(x[0].shape, counts, strict=True)])]


def _resize(node: Attributes, x: list[Tensor]) -> list[Tensor]:
    count, _, _, channels = x[0].shape
    rows, columns = x[1].values("size")
    return [unknown([count, rows, columns, channels])]


def _blocks(is_to_depth: bool, node: Attributes, x: list[Tensor]) -> list[Tensor]:
    """Infer SpaceToDepth, which turns blocks of pixels into channels, or its inverse."""
    block, channels = node.integer("block_size"), graph_convolutions.channels_of(node, x[0].shape)
    sides = graph_convolutions.rows_and_columns(node, x[0].shape)
    if is_to_depth:
        shape = graph_convolutions.picture(
            node, x[0].shape[0], [side // block for side in sides], channels * block**2
        )
    else:
        shape = graph_convolutions.picture(
            node, x[0].shape[0], [side * block for side in sides], channels // block**2
        )
    return [unknown(shape)]


def _nothing(node: Attributes, x: list[Tensor]) -> list[Tensor]:
    return []


def _same(node: Attributes, x: list[Tensor]) -> list[Tensor]:
    return [replace(tensor, work=0) for tensor in x]


def _first(node: Attributes, x: list[Tensor]) -> list[Tensor]:
    return [unknown(x[0].shape)]


_COMPUTED = {
    "Add": np.add,
    "AddV2": np.add,
    "Sub": np.subtract,
    "Mul": np.multiply,
    "FloorDiv": np.floor_divide,
    "FloorMod": np.mod,
    "RealDiv": np.divide,
    "Maximum": np.maximum,
    "Minimum": np.minimum,
}
_COMPUTED_OVER_AXES = {"Sum": np.sum, "Prod": np.prod, "Max": np.max, "Min": np.min}

_GROUPS: list[tuple[str, Callable]] = [
    # Inputs, constants, and operations that pass tensors on.
    ("Placeholder", _placeholder),
    ("Const", _constant),
    ("Identity IdentityN StopGradient", _same),
    ("NoOp Assert", _nothing),
    ("Shape", partial(_number, lambda tensor: tensor.shape)),
    ("Size", partial(_number, lambda tensor: tensor.size)),
    ("Rank", partial(_number, lambda tensor: len(tensor.shape))),
    ("Cast", _cast),
    # Element by element.
    *((name, partial(_pointwise, compute)) for name, compute in _COMPUTED.items()),
    (
        """Div AddN SquaredDifference Pow ClipByValue Equal NotEqual Less LessEqual Greater GreaterEqual
        LogicalAnd LogicalOr SelectV2""",
        partial(_pointwise, None),
    ),
    (
        """Neg Abs Sign Square Sqrt Rsqrt Reciprocal Exp Log Floor Ceil Round Rint LogicalNot Relu Relu6
        LeakyRelu Elu Selu Sigmoid Softplus Tanh BiasAdd""",
        _first,
    ),
    ("Select", lambda node, x: [unknown(x[1].shape)]),
    # Over several elements.
    *((name, partial(_reduce, compute)) for name, compute in _COMPUTED_OVER_AXES.items()),
    ("Mean All Any", partial(_reduce, None)),
    ("MatMul", _matrices),
    ("Conv2D", graph_convolutions.convolution),
    ("Conv2DBackpropInput", graph_convolutions.transposed_convolution),
    ("DepthwiseConv2dNative", graph_convolutions.depthwise),
    ("FusedBatchNorm FusedBatchNormV2 FusedBatchNormV3", _normalise),
    ("AvgPool MaxPool", graph_convolutions.pool),
    # Shape.
    ("Reshape", lambda node, x: [shapes.reshaped(x[0], x[1].values("shape"))]),
    ("ExpandDims", _expand),
    ("Squeeze", _squeeze),
    ("Transpose", _transpose),
    ("Concat", lambda node, x: [shapes.concatenated(x[1:], x[0].value("axis"))]),
    ("ConcatV2", lambda node, x: [shapes.concatenated(x[:-1], x[-1].value("axis"))]),
    ("Split", lambda node, x: shapes.split_evenly(x[1], x[0].value("axis"), node.integer("num_split"))),
    ("SplitV", lambda node, x: shapes.split(x[0], x[2].value("axis"), x[1].values("sizes"))),
    ("Pack", _pack),
    ("Unpack", _unpack),
    ("Slice", _slice),
    ("StridedSlice", _strided_slice),
    ("Pad PadV2 MirrorPad", _pad),
    ("Fill", _fill),
    ("Tile", _tile),
    ("ResizeArea ResizeBilinear ResizeBicubic ResizeNearestNeighbor", _resize),
    ("SpaceToDepth", partial(_blocks, True)),
    ("DepthToSpace", partial(_blocks, False)),
    # The 2017 demo's graphs still have their dropout.
    ("RandomUniform", lambda node, x: [unknown(x[0].values("shape"))]),
]
RULES = {name: rule for names, rule in _GROUPS for name in names.split()}
"""The allowed operations with their rules: those of our generators, the 2017 demo's, and similar ones. None
of them does more than compute on tensors in memory."""
