"""Polyphase decomposition of OpenVINO's transposed convolutions: it has faster kernels for plain ones.

A transposed convolution of stride 2 doubles a picture's sides. Of its 4x4 kernel only 2x2 weights contribute
to any one output pixel; which ones depends on whether the pixel's row and column are even or odd. So it is
equal to four convolutions with 2x2 kernels, one for each phase (even or odd row, even or odd column), whose
outputs are interleaved: the same products and sums.
"""

import itertools
from typing import Any, TypeAlias

import numpy as np

Model: TypeAlias = Any
"""An `openvino.Model`; OpenVINO is imported when it is used."""
Node: TypeAlias = Any
"""An `openvino.Node`, an operation of a model."""

KERNEL, STRIDE, PAD = 4, 2, 1
"""The transposed convolutions that are decomposed: the decoder's. All others stay as they are."""

# The kernel rows that input rows j - 1 and j meet for an even output row; j and j + 1 for an odd one.
_PHASE_TAPS = ((3, 1), (2, 0))
_PHASE_PADS = ((1, 0), (0, 1))  # padding before the first and after the last input row, by phase

_JOINT_TAPS = ((2, 0), (3, 1))
"""The kernel rows of the two output rows around a corner between input pixels: an odd one above it, and an
even one below it."""

_MAX_JOINT_CHANNELS = 16
"""Up to so many output channels of all four phases together, one convolution computes them all: it fills the
width of a vector register once, instead of a part of it four times. Its outputs lie on the corners between
input pixels, where all four phases read the same 2x2 pixels."""


def split(model: Model, only_few: bool = False) -> int:
    """Decompose the transposed convolutions of a model, in place.

    Args:
        model: As read from a frozen graph.
        only_few: Decompose only those with few output channels, such as the last one with its three colours:
            in int8 the kernels for the others are as fast as any.

    Returns:
        The number of transposed convolutions that were decomposed.
    """
    count = 0
    for node in model.get_ordered_ops():
        if not _doubles_sides(node):
            continue
        weights = node.input_value(1).get_node().data  # (inputs, outputs, 4, 4)
        is_joint = 4 * weights.shape[1] <= _MAX_JOINT_CHANNELS
        if only_few and not is_joint:
            continue
        last, bias = _bias_after(node)
        decomposed = _jointly(node, weights, bias) if is_joint else _by_phase(node, weights, bias)
        for reader in list(last.output(0).get_target_inputs()):
            reader.replace_source_output(decomposed.output(0))
        count += 1
    model.validate_nodes_and_infer_types()
    return count


def _doubles_sides(node: Node) -> bool:
    """Whether an operation is a transposed convolution as the decoder's."""
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


def _bias_after(node: Node) -> tuple[Node, np.ndarray | None]:
    """The operation that adds the bias, and the bias, (1, outputs, 1, 1); without one, the node and None."""
    targets = list(node.output(0).get_target_inputs())
    if len(targets) == 1 and targets[0].get_node().get_type_name() == "Add":
        add = targets[0].get_node()
        other = add.input_value(1 - targets[0].get_index()).get_node()
        if other.get_type_name() == "Constant" and list(other.shape) == [1, node.output(0).shape[1], 1, 1]:
            return add, other.data
    return node, None


def _by_phase(node: Node, weights: np.ndarray, bias: np.ndarray | None) -> Node:
    """A transposed convolution as four convolutions, even rows first, whose outputs are interleaved."""
    from openvino import opset13

    phases = []
    for row, column in itertools.product((0, 1), repeat=2):
        kernel = weights[:, :, _PHASE_TAPS[row]][:, :, :, _PHASE_TAPS[column]].swapaxes(0, 1)
        phases.append(_convolution(node, kernel, _PHASE_PADS[row], _PHASE_PADS[column], bias))
    return opset13.depth_to_space(opset13.concat(phases, 1), "blocks_first", STRIDE)


def _jointly(node: Node, weights: np.ndarray, bias: np.ndarray | None) -> Node:
    """A transposed convolution as one convolution of all phases, whose outputs are interleaved."""
    from openvino import opset13

    taps = np.array(_JOINT_TAPS)
    kernel = weights[:, :, taps[:, None, :, None], taps[None, :, None, :]]  # (inputs, outputs, 2, 2, 2, 2)
    kernel = kernel.transpose(2, 3, 1, 0, 4, 5)  # row and column of the phase first
    kernel = kernel.reshape(-1, weights.shape[0], 2, 2)
    bias = None if bias is None else np.tile(bias, (1, 4, 1, 1))
    whole = opset13.depth_to_space(_convolution(node, kernel, (1, 1), (1, 1), bias), "blocks_first", STRIDE)
    return opset13.slice(whole, [1, 1], [-1, -1], [1, 1], [2, 3])  # at each end, a row and a column too many


def _convolution(
    node: Node, kernel: np.ndarray, rows: tuple[int, int], columns: tuple[int, int], bias: np.ndarray | None
) -> Node:
    """A convolution of what a node reads.

    Args:
        kernel: (outputs, inputs, 2, 2).
        rows: Padding before the first row and after the last one.
        columns: Padding of the columns, likewise.
        bias: (1, outputs, 1, 1).
    """
    from openvino import opset13

    begin, end = zip(rows, columns, strict=True)
    weights = opset13.constant(np.ascontiguousarray(kernel))
    convolved = opset13.convolution(node.input_value(0), weights, [1, 1], list(begin), list(end), [1, 1])
    return convolved if bias is None else opset13.add(convolved, opset13.constant(bias))
