"""The contract of a frozen graph: its file's name and its tensors' names, for who writes it and who runs it.

in: `INPUT_TENSOR`, uint8 (S, 2 S, 3), RGB, whose left half is the drawing. out: `OUTPUT_TENSOR`, uint8
(1, S, S, 3), RGB, the painted face. `TARGET_TENSOR`: a string, the JSON of what is known of the target. The
first two are those of the 2017 demo; its graphs lack the third.
"""

FILE_NAME = "frozen_model.pb"
"""What the pipeline calls each frozen graph; its folder tells which it is."""

INPUT_TENSOR = "image_tensor:0"
OUTPUT_TENSOR = "generate_output/output:0"
TARGET_TENSOR = "face2face/target:0"


def operation(tensor: str) -> str:
    """The name of the operation that a tensor is an output of."""
    return tensor.split(":")[0]
