"""The entry to the static checks. A frozen graph from a stranger is a program: it is checked before it runs.

Only operations that compute on tensors in memory are allowed, by name. Whatever else a graph may ask of
TensorFlow or OpenVINO (read and write files, run Python, open sockets, wait in queues, loop) is refused. The
sizes of all tensors, their number and the multiply-adds are bounded.
"""

from pathlib import Path

from face2face import native_files
from face2face.generator.checks import graph_def, ir
from face2face.generator.checks.generator_file import IR_ENDING, GeneratorFile, not_a_generator
from face2face.generator.checks.protobuf import DecodeError
from face2face.generator.checks.tensors import ShapeError


def check(path: str | Path) -> GeneratorFile:
    """Inspect a generator's file without an engine.

    Args:
        path: A frozen graph (.pb), or an OpenVINO IR (.xml, with its .bin beside it).

    Returns:
        What is known of the file: image size, target, whether it is int8.

    Raises:
        UserError: If the file is missing, damaged, no generator, too large, or could do more than paint.
    """
    path = native_files.existing(path, "the frozen model")
    check_format = ir.check if path.suffix.lower() == IR_ENDING else graph_def.check
    try:
        return check_format(path)
    except DecodeError as error:
        raise not_a_generator(path, f"damaged, or no graph at all: {error}") from None
    except ShapeError as error:
        raise not_a_generator(path, str(error)) from None
