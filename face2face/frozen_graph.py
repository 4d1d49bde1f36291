"""The contract of a frozen graph: the name of its file and of its tensors, for its writer and its readers.

    INPUT_TENSOR    uint8 (S, 2 S, 3), RGB: the drawing is its left half, the right half is not read
    OUTPUT_TENSOR   uint8 (1, S, S, 3), RGB: the painted face
    TARGET_TENSOR   a string: the JSON of what is known of the target

The first two are those of the 2017 demo, whose graphs lack the third.
"""

import re
from pathlib import Path

STEM = "frozen_model"
"""Start of the names of all files that freeze_model.py writes. Models are told apart by their folders."""

FILE_NAME = f"{STEM}.pb"

_WRITTEN = re.compile(rf"{STEM}(_int8)?\.(pb|xml|bin|onnx|tflite)")

INPUT_TENSOR = "image_tensor:0"
OUTPUT_TENSOR = "generate_output/output:0"
TARGET_TENSOR = "face2face/target:0"


def outdated_files(folder: Path) -> str:
    """The files of freeze_model.py that are older than the reduced model beside them.

    Returns:
        Their paths, separated by commas, for a warning; "" if there are none.
    """
    model = folder / "checkpoint"
    if not model.is_file():
        return ""
    files = [path for path in folder.glob(f"{STEM}*") if _WRITTEN.fullmatch(path.name)]
    found = (path for path in files if path.stat().st_mtime_ns < model.stat().st_mtime_ns)
    return ", ".join(sorted(map(str, found)))


def operation(tensor: str) -> str:
    """The name of the operation that a tensor is an output of."""
    return tensor.split(":")[0]
