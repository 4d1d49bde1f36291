"""The result of the checks, a file that holds a generator, and the errors that both formats share."""

from dataclasses import dataclass
from pathlib import Path

from face2face import cli
from face2face.cli import UserError
from face2face.frozen_graph import INPUT_TENSOR, OUTPUT_TENSOR
from face2face.generator.checks.tensors import Tensor

IR_ENDING = ".xml"
"""The suffix of OpenVINO's IR: operations in the .xml, weights in the .bin beside it."""

MAX_BYTES = 2**30
"""Maximum size of a graph: four times that of a generator with 64 filters."""
MAX_SIDE = 4096
"""Maximum side of model space, in pixels."""


@dataclass(frozen=True)
class GeneratorFile:
    """A file that passed the checks: it holds a generator and nothing else.

    Attributes:
        path: The .pb or .xml.
        image_size: Side of model space, in pixels.
        target: The JSON of what the graph knows of its target, or None.
        is_int8: Whether it computes in int8 where it can.
    """

    path: Path
    image_size: int
    target: str | None
    is_int8: bool = False

    @property
    def is_ir(self) -> bool:
        """Whether it is an OpenVINO IR."""
        return self.path.suffix.lower() == IR_ENDING

    @property
    def files(self) -> list[Path]:
        """All files that the generator consists of."""
        return [self.path, *([self.path.with_suffix(".bin")] if self.is_ir else [])]


def not_a_generator(path: Path, reason: str) -> UserError:
    """The error for a file that is no generator."""
    return UserError(f"expected a frozen graph from {INPUT_TENSOR} to {OUTPUT_TENSOR}, got {path} ({reason})")


def operation_refused(path: Path, operation: str, name: str) -> UserError:
    """The error for an operation that is not allowed."""
    operation = cli.shown(operation) or "''"
    return UserError(
        f"refused {path}: its operation {operation} ({cli.shown(name)}) is none that a generator needs, "
        "and could do more than paint"
    )


def model_space_side(path: Path, shape: list[int | None]) -> int:
    """The side of model space, S, from the shape (S, 2 S, 3) of the input tensor.

    Raises:
        UserError: If the shape is another one, or S is above `MAX_SIDE`.
    """
    if len(shape) != 3 or not shape[0] or shape[1] != 2 * shape[0] or shape[2] != 3:
        raise UserError(f"{path}: expected {INPUT_TENSOR} of shape (S, 2 S, 3), got {shape}")
    if shape[0] > MAX_SIDE:
        raise UserError(f"{path}: expected pictures of at most {MAX_SIDE} pixels, got {shape[0]}")
    return shape[0]


def check_face(path: Path, outputs: list[Tensor], image_size: int) -> None:
    """Check that the first output is a picture in model space.

    Raises:
        UserError: If its shape is neither (S, S, 3) nor (1, S, S, 3).
    """
    face = (image_size, image_size, 3)
    if not outputs or outputs[0].shape not in (face, (1, *face)):
        shape = outputs[0].shape if outputs else "nothing"
        raise not_a_generator(path, f"it paints {shape}, not {(1, *face)}")
