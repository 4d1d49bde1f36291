"""The attributes of the layers of an OpenVINO IR."""

import re
from xml.etree.ElementTree import Element

import numpy as np

from face2face import cli
from face2face.generator.checks.tensors import ShapeError

BITS = {
    **{"boolean": 8, "i4": 4, "u4": 4, "i8": 8, "u8": 8, "i16": 16, "u16": 16, "i32": 32, "u32": 32},
    **{"i64": 64, "u64": 64, "f16": 16, "bf16": 16, "f32": 32, "f64": 64},
}
"""Bits of a value, by element type. Other types, such as string, are refused."""

_INTEGER = re.compile("-?[0-9]{1,19}")

KNOWN_TYPES = {"i32": np.int32, "i64": np.int64}
"""The element types of tensors whose values may be a shape."""


class Attributes:
    """The attributes of a layer.

    Attributes:
        weights: The bytes of the .bin.
    """

    def __init__(self, layer: Element, weights: memoryview) -> None:
        """Find the layer's element `data`; a layer may lack it."""
        data = layer.find("data")
        self._data = {} if data is None else data.attrib
        self.weights = weights

    def text(self, key: str, default: str = "") -> str:
        """A string, or the default if the attribute is missing."""
        return self._data.get(key, default)

    def flag(self, key: str) -> bool:
        """A boolean; False if the attribute is missing."""
        return self.text(key).lower() in ("true", "1")

    def integer(self, key: str, default: int | None = None) -> int:
        """An integer, or the default if the attribute is missing.

        Raises:
            ShapeError: If the text is no integer, or the attribute is missing and has no default.
        """
        return _integer(self.text(key)) if key in self._data or default is None else default

    def integers(self, key: str) -> list[int]:
        """A list of integers; empty if the attribute is missing.

        Raises:
            ShapeError: If the text is no list of integers.
        """
        text = self.text(key).strip()
        return [_integer(word.strip()) for word in text.split(",")] if text else []


def _integer(text: str) -> int:
    if not _INTEGER.fullmatch(text):
        raise ShapeError(f"a number that is {cli.shown(text)}")
    return int(text)
