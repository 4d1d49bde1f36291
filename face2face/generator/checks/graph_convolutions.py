"""Shape inference for TensorFlow's convolutions and pooling.

Kernels are (rows, columns, inputs, outputs), those of transposed convolutions (rows, columns, outputs,
inputs).
"""

import math

from face2face.generator.checks import shapes
from face2face.generator.checks.graph_attributes import Attributes
from face2face.generator.checks.tensors import ShapeError, Tensor, unknown


def _is_channels_first(node: Attributes) -> bool:
    return node.text("data_format") in ("NCHW", "NCHW_VECT_C")


def rows_and_columns(node: Attributes, values: list) -> list:
    """The two of four values, one per axis, that belong to the rows and columns."""
    if len(values) != 4:
        raise ShapeError(f"{len(values)} values for the axes of a picture")
    return list(values[2:] if _is_channels_first(node) else values[1:3])


def picture(node: Attributes, count: int, sides: list[int], channels: int) -> list[int]:
    """The shape of `count` pictures in the node's data format; sides: rows and columns."""
    return [count, channels, *sides] if _is_channels_first(node) else [count, *sides, channels]


def channels_of(node: Attributes, shape: tuple[int, ...]) -> int:
    """The channels in a shape of the node's data format."""
    return shape[1 if _is_channels_first(node) else 3]


def _window(node: Attributes, shape: tuple[int, ...], kernel: list[int]) -> list[int]:
    """Rows and columns of the output, where a kernel slides over a picture of a shape."""
    padding = node.text("padding")
    explicit = node.integers("explicit_paddings")
    if padding == "EXPLICIT" and len(explicit) == 8:
        pads = rows_and_columns(node, list(zip(explicit[::2], explicit[1::2], strict=True)))
    elif padding in ("SAME", "VALID"):
        pads = [None if padding == "SAME" else (0, 0)] * 2
    else:
        raise ShapeError("a padding that is not known")
    strides = rows_and_columns(node, node.integers("strides"))
    dilations = rows_and_columns(node, node.integers("dilations") or [1] * 4)
    sides = rows_and_columns(node, shape)
    return list(map(shapes.window_side, sides, kernel, strides, dilations, pads))


def convolution(node: Attributes, x: list[Tensor]) -> list[Tensor]:
    """Infer Conv2D."""
    rows, columns, inputs, outputs = x[1].shape
    shape = picture(node, x[0].shape[0], _window(node, x[0].shape, [rows, columns]), outputs)
    return [unknown(shape, math.prod(shape) * rows * columns * inputs)]


def depthwise(node: Attributes, x: list[Tensor]) -> list[Tensor]:
    """Infer DepthwiseConv2dNative."""
    rows, columns, inputs, outputs = x[1].shape
    shape = picture(node, x[0].shape[0], _window(node, x[0].shape, [rows, columns]), inputs * outputs)
    return [unknown(shape, math.prod(shape) * rows * columns)]


def transposed_convolution(node: Attributes, x: list[Tensor]) -> list[Tensor]:
    """Infer Conv2DBackpropInput: x[0] is the output's shape, x[1] the kernel, x[2] the picture."""
    rows, columns, outputs, _ = x[1].shape
    shape = x[0].values("size")
    if len(shape) != 4 or channels_of(node, shape) != outputs:
        raise ShapeError(f"an output of {shape} with {outputs} filters")
    if _window(node, shape, [rows, columns]) != rows_and_columns(node, x[2].shape):
        raise ShapeError(f"an output of {shape} from an input of {list(x[2].shape)}")
    return [unknown(shape, x[2].size * rows * columns * outputs)]


def pool(node: Attributes, x: list[Tensor]) -> list[Tensor]:
    """Infer AvgPool and MaxPool."""
    kernel = rows_and_columns(node, node.integers("ksize"))
    channels = channels_of(node, x[0].shape)
    shape = picture(node, x[0].shape[0], _window(node, x[0].shape, kernel), channels)
    return [unknown(shape, math.prod(shape) * math.prod(kernel))]
