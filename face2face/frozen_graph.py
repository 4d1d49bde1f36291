"""The contract of a frozen graph: the name of its file and of its tensors, for its writer and its readers.

    INPUT_TENSOR    uint8 (S, 2 S, 3), RGB: the drawing is its left half, the right half is not read
    OUTPUT_TENSOR   uint8 (1, S, S, 3), RGB: the painted face
    TARGET_TENSOR   a string: the JSON of what is known of the target

The first two are those of the 2017 demo, whose graphs lack the third.
"""

from collections.abc import Collection
from pathlib import Path

STEM = "frozen_model"
"""Of the names of all files that freeze_model.py writes; the folder tells them apart."""

FILE_NAME = f"{STEM}.pb"

INPUT_TENSOR = "image_tensor:0"
OUTPUT_TENSOR = "generate_output/output:0"
TARGET_TENSOR = "face2face/target:0"


def older(folder: Path, written: Collection[str] = ()) -> str:
    """The files of freeze_model.py in a folder that were not written anew, for a warning; "" without any.

    Args:
        folder: Of the reduced model.
        written: Names of those that were.
    """
    found = (path for path in folder.glob(f"{STEM}*") if path.name not in written)
    return ", ".join(sorted(str(path) for path in found))


def operation(tensor: str) -> str:
    """The name of the operation that a tensor is an output of."""
    return tensor.split(":")[0]
