"""A frozen generator behind one interface, whatever engine runs it."""

from pathlib import Path

import numpy as np

from face2face import cli
from face2face.target import Target

INPUT_TENSOR = "image_tensor:0"
OUTPUT_TENSOR = "generate_output/output:0"
TARGET_TENSOR = "face2face/target:0"
"""The contract of a frozen graph. The first two are those of the 2017 demo; its graphs lack the third."""


class Generator:
    """Paints the target's face from a drawing, with TensorFlow.

    target: what the graph knows of its target; of the original's graphs, only the size.
    """

    def __init__(self, path: str | Path):
        """Raises: UserError if the file is missing, damaged, or no generator's frozen graph."""
        path = cli.existing_file(path, "the frozen model")
        cli.load_tensorflow()
        import tensorflow as tf
        from google.protobuf.message import DecodeError

        definition = tf.compat.v1.GraphDef()
        try:
            definition.ParseFromString(path.read_bytes())
            with tf.Graph().as_default() as graph:
                tf.import_graph_def(definition, name="")
            shape = graph.get_tensor_by_name(INPUT_TENSOR).shape.as_list()
            graph.get_tensor_by_name(OUTPUT_TENSOR)
        except (DecodeError, ValueError, KeyError) as error:
            reason = f"{error}".splitlines()[0] if str(error) else "not a graph"
            raise cli.UserError(
                f"expected a frozen graph from {INPUT_TENSOR} to {OUTPUT_TENSOR}, got {path} ({reason})"
            ) from None
        if len(shape) != 3 or not shape[0] or shape[1] != 2 * shape[0] or shape[2] != 3:
            raise cli.UserError(f"{path}: expected {INPUT_TENSOR} of shape (S, 2 S, 3), got {shape}")
        session = tf.compat.v1.Session(graph=graph)
        self.target = Target(shape[0])
        if any(node.name == TARGET_TENSOR.split(":")[0] for node in definition.node):
            self.target = Target.from_json(session.run(TARGET_TENSOR).decode(), str(path))
        self._pair = np.zeros(shape, np.uint8)
        self._paint = session.make_callable(OUTPUT_TENSOR, [INPUT_TENSOR])

    def __call__(self, drawing: np.ndarray) -> np.ndarray:
        """uint8 (S, S, 3), RGB -> uint8 (S, S, 3), RGB."""
        self._pair[:, : self.target.image_size] = drawing
        return np.squeeze(self._paint(self._pair))
