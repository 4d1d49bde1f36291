"""Shape arithmetic: how large an operation's outputs are, without computing them. No engine takes part.

A tensor is a NumPy array here. Where its values are known, because they say how large another tensor is, they
are in it; otherwise the array is a stand-in that has the shape and takes no memory.
"""

import itertools
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

MAX_RANK = 8
MAX_VALUES = 2**26
"""Of one tensor. A generator of 1024 pixels and 64 filters needs half of that."""
MAX_KNOWN = 64
"""Values that are computed here, of one tensor: shapes, axes and paddings have a few."""

_NOTHING = np.zeros((), np.uint8)


class ShapeError(ValueError):
    """A shape cannot be told, or is too large; the text says why, in one line."""


@dataclass(frozen=True)
class Tensor:
    """An output of an operation.

    array: its values if `is_known`, else a stand-in of its shape. work: multiply-adds that computing it
    takes, where that is more than one for each value that the operation reads or writes.
    """

    array: np.ndarray
    is_known: bool = False
    work: int = 0

    @property
    def shape(self) -> tuple[int, ...]:
        return self.array.shape

    @property
    def size(self) -> int:
        return self.array.size

    def values(self, what: str) -> list[int]:
        """The known values, flat, as whole numbers. Raises: ShapeError if they are not known."""
        if not self.is_known or not np.issubdtype(self.array.dtype, np.integer):
            raise ShapeError(f"its {what} cannot be told before it runs")
        return self.array.ravel().tolist()

    def value(self, what: str) -> int:
        values = self.values(what)
        if len(values) != 1:
            raise ShapeError(f"its {what} is {len(values)} numbers, not one")
        return values[0]

    def view(self, change: Callable[[np.ndarray], np.ndarray]) -> "Tensor":
        """What a change of shape, such as a slice, makes of it."""
        changed = change(self.array)
        return known(changed) if self.is_known else unknown(changed.shape)


def unknown(shape: Sequence[int], work: int = 0) -> Tensor:
    """A tensor of unknown values. Raises: ShapeError if it is too large."""
    shape = tuple(int(side) for side in shape)
    if len(shape) > MAX_RANK:
        raise ShapeError(f"a tensor has {len(shape)} dimensions, at most {MAX_RANK} are expected")
    if any(side < 0 for side in shape):
        raise ShapeError(f"a tensor would have the shape {list(shape)}")
    if math.prod(max(side, 1) for side in shape) > MAX_VALUES:
        raise ShapeError(f"a tensor has the shape {list(shape)}, at most {MAX_VALUES:,} values are expected")
    return Tensor(np.broadcast_to(_NOTHING, shape), work=work)


def known(array: np.ndarray) -> Tensor:
    """A tensor of known values, unless they are more than can say how large something is."""
    return Tensor(array, is_known=True) if array.size <= MAX_KNOWN else unknown(array.shape)


def pointwise(tensors: Sequence[Tensor], compute: Callable | None = None) -> Tensor:
    """Of several tensors, broadcast as NumPy does. compute: of NumPy, what is done with known values."""
    shape = np.broadcast_shapes(*(tensor.shape for tensor in tensors))
    result = unknown(shape)
    if compute and all(tensor.is_known for tensor in tensors) and result.size <= MAX_KNOWN:
        with np.errstate(all="ignore"):
            return known(compute(*(tensor.array for tensor in tensors)))
    return result


def reduced(tensor: Tensor, axes: Iterable[int], keep: bool, compute: Callable | None = None) -> Tensor:
    axes = {axis_of(axis, len(tensor.shape)) for axis in axes}
    if compute and tensor.is_known:
        return known(compute(tensor.array, axis=tuple(axes), keepdims=keep))
    sides = [1 if i in axes else side for i, side in enumerate(tensor.shape)]
    return unknown(sides if keep else [side for i, side in enumerate(sides) if i not in axes])


def axis_of(axis: int, rank: int) -> int:
    """An axis counted from the first one. Raises: ShapeError if there is no such axis."""
    if not -rank <= axis < rank:
        raise ShapeError(f"an axis {axis} of {rank} dimensions")
    return axis % rank


def matrix_product(a: Tensor, b: Tensor, transpose_a: bool, transpose_b: bool) -> Tensor:
    """Of the last two axes; those before are broadcast. A vector counts as one row, or as one column."""
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
    """Places that a kernel takes along a side. pads: before and after; None: as many as keep the side."""
    if min(kernel, stride, dilation) < 1:
        raise ShapeError(f"a kernel of {kernel}, a stride of {stride}, a dilation of {dilation}")
    if pads is None:
        return -(-side // stride)
    return max((side + sum(pads) - (kernel - 1) * dilation - 1) // stride + 1, 0)


def concatenated(tensors: Sequence[Tensor], axis: int) -> Tensor:
    shapes = [tensor.shape for tensor in tensors]
    axis = axis_of(axis, len(shapes[0]))
    rest = {(*shape[:axis], *shape[axis + 1 :]) for shape in shapes}
    if len(rest) > 1 or len({len(shape) for shape in shapes}) > 1:
        raise ShapeError(f"tensors of other shapes are joined: {shapes[0]}, {shapes[-1]}")
    if all(tensor.is_known for tensor in tensors) and sum(tensor.size for tensor in tensors) <= MAX_KNOWN:
        return known(np.concatenate([tensor.array for tensor in tensors], axis))
    sides = list(shapes[0])
    sides[axis] = sum(shape[axis] for shape in shapes)
    return unknown(sides)


def split(tensor: Tensor, axis: int, sizes: Sequence[int]) -> list[Tensor]:
    """Parts along an axis; one size may be -1, what the others leave."""
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
    side = tensor.shape[axis_of(axis, len(tensor.shape))]
    if not 0 < count <= max(side, 1) or side % count:
        raise ShapeError(f"a side of {side} is split into {count}")
    return split(tensor, axis, [side // count] * count)


def reshaped(tensor: Tensor, wanted: Sequence[int], zero_copies: bool = False) -> Tensor:
    """wanted: -1, once, is what the others leave. zero_copies: 0 is the side that was there."""
    if zero_copies:
        wanted = [tensor.shape[i] if side == 0 else side for i, side in enumerate(wanted)]
    result = unknown(filled(wanted, tensor.size, math.prod))
    if result.size != tensor.size:
        raise ShapeError(f"a tensor of the shape {list(tensor.shape)} is put into {list(wanted)}")
    return known(tensor.array.reshape(result.shape)) if tensor.is_known else result


def filled(sizes: Sequence[int], total: int, join: Callable[[Sequence[int]], int]) -> list[int]:
    """Sizes with a -1 among them as what is left of a total. join: `sum`, or `math.prod`."""
    if list(sizes).count(-1) != 1:
        return list(sizes)
    others = join([size for size in sizes if size != -1])
    left = total - others if join is sum else total // max(others, 1)
    return [left if size == -1 else size for size in sizes]


def padded(tensor: Tensor, before: Sequence[int], after: Sequence[int]) -> Tensor:
    return unknown([sum(sides) for sides in zip(tensor.shape, before, after, strict=True)])


def slices(
    begin: Sequence[int],
    end: Sequence[int],
    strides: Sequence[int],
    masks: dict[str, Sequence[int]],
) -> tuple:
    """NumPy's index of a strided slice.

    Args:
        masks: for each of begin, end, ellipsis, new_axis and shrink, the entries where it holds: there the
            slice begins or ends where the tensor does; several axes stay; one is new; one is dropped.
    """
    index = []
    for i, (low, high, step) in enumerate(zip(begin, end, strides, strict=True)):
        if i in masks["ellipsis"]:
            index.append(Ellipsis)
        elif i in masks["new_axis"]:
            index.append(np.newaxis)
        elif i in masks["shrink"]:
            index.append(low)
        else:
            index.append(
                slice(None if i in masks["begin"] else low, None if i in masks["end"] else high, step)
            )
    return tuple(index)
