"""The contract of a frozen graph: the name of its file and of its tensors, for its writer and its readers.

    INPUT_TENSOR    uint8 (S, 2 S, 3), RGB: the drawing is its left half, the right half is not read
    OUTPUT_TENSOR   uint8 (1, S, S, 3), RGB: the painted face
    TARGET_TENSOR   a string: the JSON of what is known of the target

The first two are those of the 2017 demo, whose graphs lack the third.
"""

FILE_NAME = "frozen_model.pb"
"""The file name that freeze_model.py gives every frozen graph; the folder tells them apart."""

INPUT_TENSOR = "image_tensor:0"
OUTPUT_TENSOR = "generate_output/output:0"
TARGET_TENSOR = "face2face/target:0"


def operation(tensor: str) -> str:
    """The name of the operation that a tensor is an output of."""
    return tensor.split(":")[0]
