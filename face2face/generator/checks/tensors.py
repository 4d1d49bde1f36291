"""Tensors of a graph that is not run: their shapes, and the few values that determine other shapes.

A tensor is a NumPy array here. Values that determine another tensor's shape are known and computed; any other
array is a stand-in: it has the shape, and takes no memory.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

MAX_RANK = 8
MAX_VALUES = 2**26
"""Maximum number of values of a tensor. A generator of 1024 pixels and 64 filters needs half of it."""
MAX_KNOWN = 64
"""Maximum number of values of a tensor that are computed here: shapes, axes and paddings have a few."""

_NOTHING = np.zeros((), np.uint8)


class ShapeError(ValueError):
    """A shape cannot be inferred, or is too large; the message says why, in one line."""


@dataclass(frozen=True)
class Tensor:
    """An output of an operation.

    Attributes:
        array: Its values if `is_known`, else a stand-in of its shape.
        is_known: Whether its values are known.
        work: Multiply-adds that computing it takes; 0 where it takes one per value that is read or written.
    """

    array: np.ndarray
    is_known: bool = False
    work: int = 0

    @property
    def shape(self) -> tuple[int, ...]:
        """Its dimensions."""
        return self.array.shape

    @property
    def size(self) -> int:
        """Its number of values."""
        return self.array.size

    def values(self, what: str) -> list[int]:
        """The known values, flat, as integers.

        Args:
            what: The values' meaning, for the error.

        Raises:
            ShapeError: If they are not known.
        """
        if not self.is_known or not np.issubdtype(self.array.dtype, np.integer):
            raise ShapeError(f"its {what} is known only when the graph runs")
        return self.array.ravel().tolist()

    def value(self, what: str) -> int:
        """The only value.

        Raises:
            ShapeError: If it is not known, or there are several.
        """
        values = self.values(what)
        if len(values) != 1:
            raise ShapeError(f"its {what} is {len(values)} numbers, not one")
        return values[0]

    def view(self, change: Callable[[np.ndarray], np.ndarray]) -> "Tensor":
        """Apply a NumPy operation that only moves values, such as a slice."""
        changed = change(self.array)
        return known(changed) if self.is_known else unknown(changed.shape)


def unknown(shape: Sequence[int], work: int = 0) -> Tensor:
    """A tensor of unknown values.

    Raises:
        ShapeError: If a dimension is negative, or the tensor is too large.
    """
    shape = tuple(int(side) for side in shape)
    if len(shape) > MAX_RANK:
        raise ShapeError(f"a tensor has {len(shape)} dimensions, at most {MAX_RANK} are expected")
    if any(side < 0 for side in shape):
        raise ShapeError(f"a tensor would have the shape {list(shape)}")
    if math.prod(max(side, 1) for side in shape) > MAX_VALUES:
        raise ShapeError(f"a tensor has the shape {list(shape)}, at most {MAX_VALUES:,} values are expected")
    return Tensor(np.broadcast_to(_NOTHING, shape), work=work)


def known(array: np.ndarray) -> Tensor:
    """A tensor of known values; above `MAX_KNOWN` values, they are no shape and become unknown."""
    return Tensor(array, is_known=True) if array.size <= MAX_KNOWN else unknown(array.shape)
