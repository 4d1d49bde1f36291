"""Runs a frozen generator with TensorFlow, on a GPU or the processor."""

import numpy as np

from face2face import loading
from face2face.frozen_graph import INPUT_TENSOR, OUTPUT_TENSOR
from face2face.generator import interruptible
from face2face.generator.checks.generator_file import IR_ENDING, GeneratorFile
from face2face.generator.engines import PRECISIONS, EngineError, RunGraph, last_line, one_picture


class TensorFlow:
    """Runs a frozen graph on a GPU, if TensorFlow finds one, else on the processor.

    Attributes:
        name: The engine's name and version, and what it runs on.
        processor: "GPU" or "CPU".
        precisions: Those of `PRECISIONS` that it has there.
        sees_gpu: Whether it finds a GPU.
    """

    def __init__(self, file: GeneratorFile) -> None:
        """Import TensorFlow; nothing is loaded yet.

        Raises:
            EngineError: If the file is an IR.
        """
        if file.is_ir:
            raise EngineError(f"it reads no {IR_ENDING}")
        loading.load_tensorflow()
        import tensorflow as tf

        self._path = file.path
        self.sees_gpu = bool(tf.config.list_physical_devices("GPU"))
        self.name = f"TensorFlow {tf.__version__} on a {'GPU' if self.sees_gpu else 'CPU'}"
        self.processor = "GPU" if self.sees_gpu else "CPU"
        self.precisions = PRECISIONS[:1] if self.sees_gpu else PRECISIONS

    def load(self, precision: str, concurrency: int = 1) -> RunGraph:
        """Load the graph into a session.

        Args:
            precision: One of `precisions`.
            concurrency: Has no effect: a session runs as many calls at the same time as are made.

        Raises:
            EngineError: If TensorFlow cannot load it.
        """
        import tensorflow as tf
        from google.protobuf.message import DecodeError

        config = tf.compat.v1.ConfigProto()
        if precision == "bfloat16":
            rewrite = config.graph_options.rewrite_options
            rewrite.auto_mixed_precision_onednn_bfloat16 = type(rewrite).ON
        definition = tf.compat.v1.GraphDef()

        def prepare() -> RunGraph:
            definition.ParseFromString(self._path.read_bytes())
            with tf.Graph().as_default() as graph:
                tf.import_graph_def(definition, name="")
            session = tf.compat.v1.Session(graph=graph, config=config)
            return session.make_callable(OUTPUT_TENSOR, [INPUT_TENSOR])

        errors = (DecodeError, ValueError, KeyError, TypeError, RuntimeError, MemoryError, tf.errors.OpError)
        try:
            run = interruptible.call(prepare)
        except errors as error:
            raise EngineError(last_line(error)) from None

        def paint(pair: np.ndarray) -> np.ndarray:
            try:
                return one_picture(run(pair))
            except errors as error:
                raise EngineError(last_line(error)) from None

        return paint
