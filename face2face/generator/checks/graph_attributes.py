"""The attributes of TensorFlow's nodes: a reader of the messages AttrValue, TensorProto, TensorShapeProto."""

import math

import numpy as np

from face2face import cli
from face2face.generator.checks.protobuf import DecodeError, Message
from face2face.generator.checks.tensors import ShapeError

# Field numbers of TensorFlow's messages.
_NODE_ATTRIBUTE, _ENTRY_KEY, _ENTRY_VALUE = 5, 1, 2
_VALUE_LIST, _VALUE_TEXT, _VALUE_INTEGER, _VALUE_FLAG, _VALUE_TYPE, _VALUE_SHAPE, _VALUE_TENSOR = (
    1,
    2,
    3,
    5,
    6,
    7,
    8,
)
_LIST_INTEGERS = 3
_TENSOR_TYPE, _TENSOR_SHAPE, _TENSOR_CONTENT, TENSOR_STRINGS = 1, 2, 4, 8
_SHAPE_DIMENSION, _SHAPE_UNKNOWN, _DIMENSION_SIZE = 2, 3, 1

_MAX_REPEATED = 2**20
"""Maximum number of values of a constant that repeats its last one instead of storing them all."""

UINT8, STRING = 4, 7
"""Values of TensorFlow's enum DataType."""
TYPES = {1: np.float32, 3: np.int32, 9: np.int64}
"""The types, by DataType, of tensors whose values may be a shape."""
_TENSOR_VALUES = {3: 7, 9: 10}
"""For integer types, the field of TensorProto that lists values outside tensor_content."""


class Attributes:
    """The attributes of a node. A missing one is 0, False or empty, as TensorFlow's defaults are."""

    def __init__(self, node: Message) -> None:
        """Read the attributes of a NodeDef.

        Raises:
            DecodeError: If an attribute occurs twice, or is no message.
        """
        self._values: dict[str, Message] = {}
        for entry in node.messages(_NODE_ATTRIBUTE):
            key = entry.text(_ENTRY_KEY)
            if key in self._values:  # readers disagree on which one counts
                raise DecodeError(f"an attribute {cli.shown(key)} is there twice")
            self._values[key] = entry.message(_ENTRY_VALUE)

    def __contains__(self, key: str) -> bool:
        return key in self._values

    def _value(self, key: str) -> Message:
        return self._values.get(key, Message.empty())

    def integer(self, key: str) -> int:
        """An integer."""
        return self._value(key).integer(_VALUE_INTEGER)

    def integers(self, key: str) -> list[int]:
        """A list of integers."""
        return self._value(key).message(_VALUE_LIST).integers(_LIST_INTEGERS)

    def flag(self, key: str) -> bool:
        """A boolean."""
        return bool(self._value(key).integer(_VALUE_FLAG))

    def text(self, key: str) -> str:
        """A string."""
        return self._value(key).text(_VALUE_TEXT)

    def type(self, key: str) -> int:
        """A type, as a value of DataType."""
        return self._value(key).integer(_VALUE_TYPE)

    def tensor(self, key: str) -> Message:
        """A tensor, as a TensorProto."""
        return self._value(key).message(_VALUE_TENSOR)

    def constant_shape(self) -> list[int]:
        """The shape of a constant's value.

        Raises:
            ShapeError: If it is not fully known, or the file is too small to hold the values.
        """
        tensor = self.tensor("value")
        found = sides(tensor.message(_TENSOR_SHAPE))
        if None in found:
            raise ShapeError("a constant's shape is left open")
        if math.prod(found) > max(tensor.size, _MAX_REPEATED):
            raise ShapeError(f"a constant of {math.prod(found):,} values in {tensor.size:,} bytes")
        return found

    def constant_values(self, count: int) -> np.ndarray | None:
        """The values of a constant of integers, flat; None if it is of another type.

        Args:
            count: Number of values; where the file lists fewer, the last one is repeated.
        """
        tensor = self.tensor("value")
        kind = tensor.integer(_TENSOR_TYPE)
        if kind not in _TENSOR_VALUES:
            return None
        if content := tensor.data(_TENSOR_CONTENT):
            return np.frombuffer(content, np.dtype(TYPES[kind]).newbyteorder("<")).astype(TYPES[kind])
        listed = tensor.integers(_TENSOR_VALUES[kind]) or [0] * min(count, 1)
        values = np.array(listed, np.int64).astype(TYPES[kind])
        return np.append(values, values[[-1] * max(count - values.size, 0)])

    def shape(self, key: str) -> list[int | None]:
        """A shape; None for each unknown dimension.

        Raises:
            ShapeError: If the rank is unknown.
        """
        shape = self._value(key).message(_VALUE_SHAPE)
        if shape.integer(_SHAPE_UNKNOWN) or not shape.numbers():
            raise ShapeError(f"a {key} that is not known")
        return sides(shape)


def sides(shape: Message) -> list[int | None]:
    """The dimensions of a TensorShapeProto; None for an unknown one."""
    sizes = [dimension.integer(_DIMENSION_SIZE) for dimension in shape.messages(_SHAPE_DIMENSION)]
    return [None if size < 0 else size for size in sizes]
