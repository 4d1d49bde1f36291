"""A file that holds a generator, and the errors of files that do not: for both formats alike."""

from dataclasses import dataclass
from pathlib import Path

from face2face import cli
from face2face.cli import UserError
from face2face.frozen_graph import INPUT_TENSOR, OUTPUT_TENSOR
from face2face.generator.shapes import Tensor

IR_ENDING = ".xml"
"""Of OpenVINO's own format: operations in the .xml, weights in the .bin beside it."""

MAX_BYTES = 2**30
"""Of a graph: four times what 64 filters take."""
MAX_SIDE = 4096
"""Of model space, in pixels."""


@dataclass(frozen=True)
class GeneratorFile:
    """A file that was found to hold a generator and nothing else.

    image_size: side of model space. target: the JSON of what it knows of its target, or None.
    is_int8: whether it calculates, where it can, in whole numbers of 8 bits.
    """

    path: Path
    image_size: int
    target: str | None
    is_int8: bool = False

    @property
    def is_ir(self) -> bool:
        return self.path.suffix.lower() == IR_ENDING

    @property
    def files(self) -> list[Path]:
        """All files that the generator is in."""
        return [self.path, *([self.path.with_suffix(".bin")] if self.is_ir else [])]


def expected(path: Path, reason: str) -> UserError:
    """The error of a file that is no generator."""
    return UserError(f"expected a frozen graph from {INPUT_TENSOR} to {OUTPUT_TENSOR}, got {path} ({reason})")


def refused(path: Path, operation: str, name: str) -> UserError:
    """The error of an operation that is not on the list."""
    operation = cli.shown(operation) or "''"
    return UserError(
        f"refused {path}: its operation {operation} ({cli.shown(name)}) is none that a generator needs, "
        "and could do more than paint"
    )


def side(path: Path, shape: list[int | None]) -> int:
    """Of an input's shape, the side of model space."""
    if len(shape) != 3 or not shape[0] or shape[1] != 2 * shape[0] or shape[2] != 3:
        raise UserError(f"{path}: expected {INPUT_TENSOR} of shape (S, 2 S, 3), got {shape}")
    if shape[0] > MAX_SIDE:
        raise UserError(f"{path}: expected pictures of at most {MAX_SIDE} pixels, got {shape[0]}")
    return shape[0]


def check_face(path: Path, outputs: list[Tensor], image_size: int) -> None:
    """Raises: UserError if the first of them is no picture of model space."""
    face = (image_size, image_size, 3)
    if not outputs or outputs[0].shape not in (face, (1, *face)):
        shape = outputs[0].shape if outputs else "nothing"
        raise expected(path, f"it paints {shape}, not {(1, *face)}")
