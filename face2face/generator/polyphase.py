"""OpenVINO's transposed convolutions taken apart into plain ones, for which it has faster kernels.

A transposed convolution of stride 2 doubles the picture. Of its 4x4 kernel only 2x2 values meet any one point
of the output, and which ones is told by whether the point's row and column are even or odd. So it is four
convolutions of 2x2, one for each of those cases, whose outputs are interleaved: the same products and sums.
"""

import numpy as np

KERNEL, STRIDE, PAD = 4, 2, 1
"""What is taken apart: the decoder's. Everything else stays as it is."""

# Of an even output row, the kernel's rows that meet input row j - 1 and j; of an odd one, j and j + 1.
_TAPS = ((3, 1), (2, 0))
_PADS = ((1, 0), (0, 1))  # before the first and after the last row

_FEW = 16
"""Up to so many outputs of all four together are computed by one convolution: a vector register's width is
filled once instead of four times in part. Its outputs lie on the corners between the points of the input,
where all four cases meet the same 2x2 of them."""

_CORNERS_TAPS = ((2, 0), (3, 1))
"""Around a corner lie an odd output row, that of the input row above it, and an even one, of that below."""


def split(model, only_few: bool = False) -> int:
    """Rewrite an `openvino.Model` in place; returns how many transposed convolutions were taken apart.

    Args:
        only_few: those alone that have few outputs, as the last one with its three colours: in 8 bits the
            kernels for the others are as fast as any.
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
        if few:  # the outermost corners have a row or column too many
            whole = opset13.slice(whole, [1, 1], [-1, -1], [1, 1], [2, 3])
        tensor = last.output(0)
        for target in list(tensor.get_target_inputs()):
            target.replace_source_output(whole.output(0))
        count += 1
    model.validate_nodes_and_infer_types()
    return count


def _is_decoders(node) -> bool:
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


def _biased(node) -> tuple:
    """The node whose output is the biased one, and the bias (1, outputs, 1, 1), None if there is none."""
    targets = list(node.output(0).get_target_inputs())
    if len(targets) == 1 and targets[0].get_node().get_type_name() == "Add":
        add = targets[0].get_node()
        other = add.input_value(1 - targets[0].get_index()).get_node()
        if other.get_type_name() == "Constant" and list(other.shape) == [1, node.output(0).shape[1], 1, 1]:
            return add, other.data
    return node, None


def _apart(weights: np.ndarray) -> list[tuple]:
    """The kernel (outputs, inputs, 2, 2) of each case, even rows first, and its pads of rows and columns."""
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
    """One kernel (4 outputs, inputs, 2, 2) for all cases, and its pads."""
    taps = np.array(_CORNERS_TAPS)
    kernel = weights[:, :, taps[:, None, :, None], taps[None, :, None, :]]  # (inputs, outputs, 2, 2, 2, 2)
    kernel = kernel.transpose(2, 3, 1, 0, 4, 5)  # row and column of the case first
    return np.ascontiguousarray(kernel.reshape(-1, weights.shape[0], 2, 2)), (1, 1), (1, 1)
