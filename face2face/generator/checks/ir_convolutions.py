"""Shape inference for OpenVINO's convolutions and pooling.

Pictures are (N, C, ...), kernels (outputs, inputs, ...), those of transposed convolutions (inputs, outputs,
...).
"""

import math
from collections.abc import Sequence

from face2face.generator.checks import shapes
from face2face.generator.checks.ir_attributes import Attributes
from face2face.generator.checks.tensors import ShapeError, Tensor, unknown


def _pads(node: Attributes, rank: int) -> list[tuple[int, int] | None]:
    """Padding (before, after) of each spatial axis; None where it keeps the side."""
    how = node.text("auto_pad", "explicit")
    if how in ("same_upper", "same_lower"):
        return [None] * rank
    if how == "valid":
        return [(0, 0)] * rank
    return list(zip(node.integers("pads_begin"), node.integers("pads_end"), strict=True))


def _convolved(node: Attributes, picture: Tensor, kernel: Sequence[int], outputs: int, inputs: int) -> Tensor:
    """The output of a convolution with a kernel of some sides."""
    sides = [
        shapes.window_side(*each)
        for each in zip(
            picture.shape[2:],
            kernel,
            node.integers("strides"),
            node.integers("dilations"),
            _pads(node, len(kernel)),
            strict=True,
        )
    ]
    shape = [picture.shape[0], outputs, *sides]
    return unknown(shape, math.prod(shape) * inputs * math.prod(kernel))


def convolution(node: Attributes, x: list[Tensor]) -> list[Tensor]:
    """Infer Convolution."""
    outputs, inputs, *kernel = x[1].shape
    return [_convolved(node, x[0], kernel, outputs, inputs)]


def convolution_in_groups(node: Attributes, x: list[Tensor]) -> list[Tensor]:
    """Infer GroupConvolution."""
    groups, outputs, inputs, *kernel = x[1].shape
    return [_convolved(node, x[0], kernel, groups * outputs, inputs)]


def _transposed(node: Attributes, x: list[Tensor], groups: int, outputs: int, kernel: list[int]) -> Tensor:
    if len(x) > 2:
        sides = x[2].values("size")
    else:
        beyond = node.integers("output_padding") or [0] * len(kernel)
        sides = [
            (side - 1) * stride + (width - 1) * dilation + 1 - sum(pads or (0, 0)) + more
            for side, width, stride, dilation, pads, more in zip(
                x[0].shape[2:],
                kernel,
                node.integers("strides"),
                node.integers("dilations"),
                _pads(node, len(kernel)),
                beyond,
                strict=True,
            )
        ]
    shape = [x[0].shape[0], groups * outputs, *sides]
    return unknown(shape, x[0].size * outputs * math.prod(kernel))


def transposed_convolution(node: Attributes, x: list[Tensor]) -> list[Tensor]:
    """Infer ConvolutionBackpropData."""
    _, outputs, *kernel = x[1].shape
    return [_transposed(node, x, 1, outputs, kernel)]


def transposed_convolution_in_groups(node: Attributes, x: list[Tensor]) -> list[Tensor]:
    """Infer GroupConvolutionBackpropData."""
    groups, _, outputs, *kernel = x[1].shape
    return [_transposed(node, x, groups, outputs, kernel)]


def average_pool(node: Attributes, x: list[Tensor]) -> list[Tensor]:
    """Infer AvgPool."""
    kernel = node.integers("kernel")
    rounding = node.text("rounding_type", "floor")
    if rounding != "floor":
        raise ShapeError(f"a pooling that rounds its sides by {rounding}, where only floor is supported")
    sides = [
        shapes.window_side(*each)
        for each in zip(
            x[0].shape[2:],
            kernel,
            node.integers("strides"),
            node.integers("dilations") or [1] * len(kernel),
            _pads(node, len(kernel)),
            strict=True,
        )
    ]
    shape = [*x[0].shape[:2], *sides]
    return [unknown(shape, math.prod(shape) * math.prod(kernel))]


def maximum_pool(node: Attributes, x: list[Tensor]) -> list[Tensor]:
    """Infer MaxPool, whose outputs are the values and their positions."""
    return average_pool(node, x) * 2
