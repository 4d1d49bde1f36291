"""Polyphase decomposition of OpenVINO's transposed convolutions: it has faster kernels for plain ones.

A transposed convolution of stride 2 doubles a picture's sides. Of its 4x4 kernel only 2x2 weights contribute
to any one output pixel; which ones depends on whether the pixel's row and column are even or odd. So it is
equal to four convolutions with 2x2 kernels, one for each phase (even or odd row, even or odd column), whose
outputs are interleaved: the same products and sums.
"""

from typing import Any, TypeAlias

import numpy as np

Model: TypeAlias = Any
"""An `openvino.Model`; OpenVINO is imported when it is used."""
Node: TypeAlias = Any
"""An `openvino.Node`, an operation of a model."""

KERNEL, STRIDE, PAD = 4, 2, 1
"""The transposed convolutions that are decomposed: the decoder's. All others stay as they are."""

# The kernel rows that input rows j - 1 and j meet for an even output row; j and j + 1 for an odd one.
_TAPS = ((3, 1), (2, 0))
_PADS = ((1, 0), (0, 1))  # padding before the first and after the last input row, by phase

_FEW = 16
"""Up to so many output channels of all four phases together, one convolution computes them all: it fills the
width of a vector register once, instead of a part of it four times. Its outputs lie on the corners between
input pixels, where all four phases read the same 2x2 pixels."""

_CORNERS_TAPS = ((2, 0), (3, 1))
"""The kernel rows of the two output rows around a corner: an odd one, above it, and an even one, below it."""


def split(model: Model, only_few: bool = False) -> int:
    """Decompose the transposed convolutions of a model, in place.

    Args:
        model: as read from a frozen graph.
        only_few: decompose only those with few output channels, such as the last one with its three colours:
            in int8 the kernels for the others are as fast as any.

    Returns:
        The number of transposed convolutions that were decomposed.
    """
    from openvino import opset13

    count = 0
    for node in model.get_ordered_ops():
        if not _is_decoders(node):
            continue
        weights = node.input_value(1).get_node().data  # (inputs, outputs, 4, 4)
        few = 4 * weights.shape[1] <= _FEW
        if only_few and not few:
            continue
        last, bias = _biased(node)
        parts = []
        for kernel, rows, columns in [_together(weights)] if few else _apart(weights):
            before, after = zip(rows, columns, strict=True)
            part = opset13.convolution(
                node.input_value(0), opset13.constant(kernel), [1, 1], list(before), list(after), [1, 1]
            )
            if bias is not None:
                part = opset13.add(part, opset13.constant(np.tile(bias, (1, 4 if few else 1, 1, 1))))
            parts.append(part)
        joined = parts[0] if few else opset13.concat(parts, 1)
        whole = opset13.depth_to_space(joined, "blocks_first", STRIDE)
        if few:  # each side has one row or column too many
            whole = opset13.slice(whole, [1, 1], [-1, -1], [1, 1], [2, 3])
        tensor = last.output(0)
        for target in list(tensor.get_target_inputs()):
            target.replace_source_output(whole.output(0))
        count += 1
    model.validate_nodes_and_infer_types()
    return count


def _is_decoders(node: Node) -> bool:
    """Whether an operation is a transposed convolution of the decoder."""
    if node.get_type_name() != "ConvolutionBackpropData":
        return False
    kernel, attributes = node.input_value(1), node.get_attributes()
    side, doubled = (shape[2:] for shape in (node.input_value(0).get_shape(), node.output(0).get_shape()))
    return (
        list(doubled) == [STRIDE * each for each in side]
        and kernel.get_node().get_type_name() == "Constant"
        and list(kernel.get_shape()[2:]) == [KERNEL, KERNEL]
        and list(attributes["strides"]) == [STRIDE, STRIDE]
        and [*attributes["pads_begin"], *attributes["pads_end"], *attributes["output_padding"]]
        == [PAD, PAD, PAD, PAD, 0, 0]
        and list(attributes["dilations"]) == [1, 1]
    )


def _biased(node: Node) -> tuple[Node, np.ndarray | None]:
    """The operation that adds the bias, and the bias, (1, outputs, 1, 1); without one, the node and None."""
    targets = list(node.output(0).get_target_inputs())
    if len(targets) == 1 and targets[0].get_node().get_type_name() == "Add":
        add = targets[0].get_node()
        other = add.input_value(1 - targets[0].get_index()).get_node()
        if other.get_type_name() == "Constant" and list(other.shape) == [1, node.output(0).shape[1], 1, 1]:
            return add, other.data
    return node, None


def _apart(weights: np.ndarray) -> list[tuple]:
    """Kernel (outputs, inputs, 2, 2) and padding of rows and columns, of each phase, even rows first."""
    return [
        (
            np.ascontiguousarray(weights[:, :, _TAPS[row]][:, :, :, _TAPS[column]].swapaxes(0, 1)),
            _PADS[row],
            _PADS[column],
        )
        for row in (0, 1)
        for column in (0, 1)
    ]


def _together(weights: np.ndarray) -> tuple:
    """Kernel (4 outputs, inputs, 2, 2) and padding of rows and columns, of all phases together."""
    taps = np.array(_CORNERS_TAPS)
    kernel = weights[:, :, taps[:, None, :, None], taps[None, :, None, :]]  # (inputs, outputs, 2, 2, 2, 2)
    kernel = kernel.transpose(2, 3, 1, 0, 4, 5)  # row and column of the phase first
    return np.ascontiguousarray(kernel.reshape(-1, weights.shape[0], 2, 2)), (1, 1), (1, 1)
