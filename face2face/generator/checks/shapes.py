"""Arithmetic of shapes, for both formats: the shapes of an operation's outputs from those of its inputs."""

import itertools
import math
from collections.abc import Callable, Iterable, Sequence

import numpy as np

from face2face.generator.checks.tensors import MAX_KNOWN, ShapeError, Tensor, known, unknown

MASKS = ("begin", "end", "ellipsis", "new_axis", "shrink_axis")
"""The masks of a strided slice: an entry begins or ends where the tensor does, stands for several whole axes,
inserts an axis, or drops one."""


def pointwise(tensors: Sequence[Tensor], compute: Callable | None = None) -> Tensor:
    """Broadcast several tensors as NumPy does.

    Args:
        compute: The NumPy function to apply to known values.
    """
    shape = np.broadcast_shapes(*(tensor.shape for tensor in tensors))
    result = unknown(shape)
    if compute and all(tensor.is_known for tensor in tensors) and result.size <= MAX_KNOWN:
        with np.errstate(all="ignore"):
            return known(compute(*(tensor.array for tensor in tensors)))
    return result


def reduced(tensor: Tensor, axes: Iterable[int], keep: bool, compute: Callable | None = None) -> Tensor:
    """Reduce axes, as a sum does.

    Args:
        keep: Whether a reduced axis stays, with length 1.
        compute: The NumPy function to apply to known values.
    """
    axes = {axis_of(axis, len(tensor.shape)) for axis in axes}
    if compute and tensor.is_known:
        # Sums and products stay in the tensor's own integers, in which an engine's overflow.
        return known(compute(tensor.array, axis=tuple(axes), keepdims=keep).astype(tensor.array.dtype))
    sides = [1 if i in axes else side for i, side in enumerate(tensor.shape)]
    return unknown(sides if keep else [side for i, side in enumerate(sides) if i not in axes])


def axis_of(axis: int, rank: int) -> int:
    """The index of an axis, which may be counted from the last one.

    Raises:
        ShapeError: If there is no such axis.
    """
    if not -rank <= axis < rank:
        raise ShapeError(f"an axis {axis} of {rank} dimensions")
    return axis % rank


def matrix_product(a: Tensor, b: Tensor, transpose_a: bool, transpose_b: bool) -> Tensor:
    """Multiply matrices in the last two axes; others are broadcast. A vector is a row, or a column as `b`."""
    left = (1, *a.shape) if len(a.shape) == 1 else a.shape
    right = (*b.shape, 1) if len(b.shape) == 1 else b.shape
    if len(a.shape) > 1 and transpose_a:
        left = (*left[:-2], left[-1], left[-2])
    if len(b.shape) > 1 and transpose_b:
        right = (*right[:-2], right[-1], right[-2])
    if not a.shape or not b.shape or left[-1] != right[-2]:
        raise ShapeError(f"a matrix product of {list(a.shape)} and {list(b.shape)}")
    rows = () if len(a.shape) == 1 else (left[-2],)
    columns = () if len(b.shape) == 1 else (right[-1],)
    shape = (*np.broadcast_shapes(left[:-2], right[:-2]), *rows, *columns)
    return unknown(shape, work=math.prod(shape) * left[-1])


def window_side(side: int, kernel: int, stride: int, dilation: int, pads: tuple[int, int] | None) -> int:
    """Length of the output where a kernel slides along a side.

    Args:
        pads: Padding before and after; None for as much as keeps the side, divided by the stride.
    """
    if min(kernel, stride, dilation) < 1:
        raise ShapeError(f"a kernel of {kernel}, a stride of {stride}, a dilation of {dilation}")
    if pads is None:
        return -(-side // stride)
    return max((side + sum(pads) - (kernel - 1) * dilation - 1) // stride + 1, 0)


def concatenated(tensors: Sequence[Tensor], axis: int) -> Tensor:
    """Concatenate tensors along an axis."""
    shapes = [tensor.shape for tensor in tensors]
    axis = axis_of(axis, len(shapes[0]))
    rest = {(*shape[:axis], *shape[axis + 1 :]) for shape in shapes}
    if len(rest) > 1 or len({len(shape) for shape in shapes}) > 1:
        raise ShapeError(f"tensors of incompatible shapes are concatenated: {shapes[0]}, {shapes[-1]}")
    if all(tensor.is_known for tensor in tensors) and sum(tensor.size for tensor in tensors) <= MAX_KNOWN:
        return known(np.concatenate([tensor.array for tensor in tensors], axis))
    sides = list(shapes[0])
    sides[axis] = sum(shape[axis] for shape in shapes)
    return unknown(sides)


def split(tensor: Tensor, axis: int, sizes: Sequence[int]) -> list[Tensor]:
    """Split along an axis into parts of some sizes; one may be -1, for what the others leave."""
    axis = axis_of(axis, len(tensor.shape))
    sizes = filled(sizes, tensor.shape[axis], sum)
    if min(sizes, default=0) < 0 or sum(sizes) != tensor.shape[axis]:
        raise ShapeError(f"a side of {tensor.shape[axis]} is split into {list(sizes)}")
    ends = np.cumsum([0, *sizes]).tolist()
    before = (slice(None),) * axis
    return [
        tensor.view(lambda array, low=low, high=high: array[(*before, slice(low, high))])
        for low, high in itertools.pairwise(ends)
    ]


def split_evenly(tensor: Tensor, axis: int, count: int) -> list[Tensor]:
    """Split along an axis into parts of equal size."""
    side = tensor.shape[axis_of(axis, len(tensor.shape))]
    if not 0 < count <= max(side, 1) or side % count:
        raise ShapeError(f"a side of {side} is split into {count}")
    return split(tensor, axis, [side // count] * count)


def reshaped(tensor: Tensor, wanted: Sequence[int], zero_copies: bool = False) -> Tensor:
    """Reshape a tensor.

    Args:
        wanted: The new shape; one dimension may be -1, for what the others leave.
        zero_copies: Whether a 0 stands for the old dimension at its place.
    """
    if zero_copies:
        wanted = [tensor.shape[i] if side == 0 else side for i, side in enumerate(wanted)]
    result = unknown(filled(wanted, tensor.size, math.prod))
    if result.size != tensor.size:
        raise ShapeError(f"a tensor of the shape {list(tensor.shape)} is put into {list(wanted)}")
    return known(tensor.array.reshape(result.shape)) if tensor.is_known else result


def filled(sizes: Sequence[int], total: int, join: Callable[[Sequence[int]], int]) -> list[int]:
    """Replace a -1 among sizes by what the others leave of a total.

    Args:
        join: `sum`, or `math.prod`: how the sizes make the total.
    """
    if list(sizes).count(-1) != 1:
        return list(sizes)
    others = join([size for size in sizes if size != -1])
    left = total - others if join is sum else total // max(others, 1)
    return [left if size == -1 else size for size in sizes]


def padded(tensor: Tensor, before: Sequence[int], after: Sequence[int]) -> Tensor:
    """Pad each axis."""
    return unknown([sum(sides) for sides in zip(tensor.shape, before, after, strict=True)])


def slices(
    begin: Sequence[int],
    end: Sequence[int],
    strides: Sequence[int],
    masks: dict[str, Sequence[int]],
) -> tuple:
    """The NumPy index of a strided slice.

    Args:
        begin: Of each entry.
        end: Of each entry, exclusive.
        strides: Of each entry.
        masks: For each of `MASKS`, the entries where it holds.
    """
    index = []
    for i, (low, high, step) in enumerate(zip(begin, end, strides, strict=True)):
        if i in masks["ellipsis"]:
            index.append(Ellipsis)
        elif i in masks["new_axis"]:
            index.append(np.newaxis)
        elif i in masks["shrink_axis"]:
            index.append(low)
        else:
            index.append(
                slice(None if i in masks["begin"] else low, None if i in masks["end"] else high, step)
            )
    return tuple(index)
