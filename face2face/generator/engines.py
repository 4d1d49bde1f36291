"""What runs a frozen generator: OpenVINO or TensorFlow. Each is imported when it is first asked to."""

import contextlib
import ctypes
import glob
import math
import queue
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np

from face2face import cli
from face2face.file_cache import FileCache
from face2face.frozen_graph import INPUT_TENSOR, OUTPUT_TENSOR
from face2face.generator import generator_file, graph_check, interruptible, ir_shapes, polyphase
from face2face.generator.generator_file import IR_ENDING, GeneratorFile
from face2face.generator.shapes import MAX_VALUES

ENGINES = ("openvino", "tensorflow")
PRECISIONS = ("float32", "bfloat16")

_OPENVINO_NAMES = {"Const": "Constant", "ReLU": "Relu", "PReLU": "PRelu"}
OPENVINO_OPERATIONS = {_OPENVINO_NAMES.get(name, name) for name in ir_shapes.RULES}
"""The operations of the list, by the names that OpenVINO has for what it has read."""

_OPENVINO_ERRORS = (RuntimeError, ValueError, TypeError, MemoryError)

Paint = Callable[[np.ndarray], np.ndarray]
"""A loaded graph: uint8 (S, 2 S, 3), RGB -> uint8 (S, S, 3), RGB, the drawing's face. Made new each time.
Any thread may call it, also while it paints for another."""


class EngineError(Exception):
    """An engine is not there, or cannot run this graph; the text says why, in one line."""


class OpenVino:
    """On the processor, from TensorFlow's frozen graph or from an IR."""

    def __init__(self, file: GeneratorFile, cache: Callable[[], FileCache]):
        """cache: asked for only when needed: it may still be opening. Raises: EngineError."""
        try:
            import openvino
        except ImportError as error:
            raise EngineError(f"openvino cannot be imported: {error}") from None
        self._core, self._file, self._cache = openvino.Core(), file, cache
        self._save, self._version = openvino.save_model, openvino.__version__.split("-")[0]
        self.name = f"OpenVINO {self._version}"
        self.processor = str(self._core.get_property("CPU", "FULL_DEVICE_NAME"))
        can = self._core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
        self.precisions = PRECISIONS if "BF16" in can else PRECISIONS[:1]

    def load(self, precision: str, concurrency: int = 1) -> Paint:
        """concurrency: faces that are painted at the same time, each by its share of the cores; more calls wait.

        Raises:
            EngineError: if the system refuses.
        """
        model = self._read(self._file.path) if self._file.is_ir else self._converted(precision)
        settings = {
            "PERFORMANCE_HINT": "LATENCY",
            "NUM_STREAMS": concurrency,
            # Its threads share the cores with the other stages: the system finds the freer ones.
            "ENABLE_CPU_PINNING": False,
            "INFERENCE_PRECISION_HINT": {"float32": "f32", "bfloat16": "bf16"}[precision],
        }
        try:
            compiled = interruptible.call(lambda: self._core.compile_model(model, "CPU", settings))
            idle = queue.SimpleQueue()
            for _ in range(concurrency):
                idle.put(compiled.create_infer_request())
            output = compiled.output(OUTPUT_TENSOR)
        except _OPENVINO_ERRORS as error:
            raise EngineError(_last_line(error)) from None
        _give_memory_back()

        def paint(pair: np.ndarray) -> np.ndarray:
            request = idle.get()
            try:
                return _one_picture(request.infer({INPUT_TENSOR: pair}, share_inputs=True)[output])
            except _OPENVINO_ERRORS as error:
                raise EngineError(_last_line(error)) from None
            finally:
                idle.put(request)

        return paint

    def _converted(self, precision: str):
        """The graph as an `openvino.Model` from the cache: converting it takes seconds, and its weights twice
        over; an IR is mapped. What lies in the cache is checked like any file. Raises: EngineError.
        """
        name = f"openvino-{self._version}-{precision}"

        def convert(folder: Path) -> None:
            path = folder / f"model{IR_ENDING}"
            self._save(self._prepared(precision), path, compress_to_fp16=False)
            graph_check.check(path)  # else it would be refused at each start

        for _ in range(2):  # a damaged one is made anew, once
            try:
                folder = self._cache().folder(name, convert)
            except cli.UserError:  # what the conversion made of it is not on the list
                break
            if folder is None:
                break
            _give_memory_back()
            path = folder / f"model{IR_ENDING}"
            with contextlib.suppress(cli.UserError, EngineError):
                if graph_check.check(path).image_size == self._file.image_size:
                    return self._read(path)
            self._cache().forget(name)
        return self._prepared(precision)

    def _prepared(self, precision: str):
        """The graph as an `openvino.Model`, converted here. Raises: EngineError."""
        model = self._read(self._file.path)
        if precision == "bfloat16":
            polyphase.split(model)
        return model

    def _read(self, path: Path):
        """An `openvino.Model` that has not run. Raises: EngineError; UserError of an operation."""
        failure = None
        with cli.quiet_stderr():  # it tries a damaged file in other formats, too, and says so of each
            try:
                model = interruptible.call(lambda: self._core.read_model(path))
            except _OPENVINO_ERRORS as error:
                failure = error
        if failure:
            raise EngineError(_last_line(failure))
        for operation in model.get_ops():
            if operation.get_type_name() not in OPENVINO_OPERATIONS:
                raise generator_file.refused(path, operation.get_type_name(), operation.get_friendly_name())
            for output in operation.outputs():
                shape = output.get_partial_shape()
                if not shape.is_static or math.prod(shape.to_shape()) > MAX_VALUES:
                    name = cli.shown(operation.get_friendly_name())
                    raise EngineError(f"its {operation.get_type_name()} ({name}) has the shape {shape}")
        return model


class TensorFlow:
    """On a GPU, if it sees one, or the processor; from a frozen graph."""

    def __init__(self, file: GeneratorFile):
        """Raises: EngineError."""
        if file.is_ir:
            raise EngineError(f"it reads no {IR_ENDING}")
        cli.load_tensorflow()
        import tensorflow as tf

        self._path = file.path
        self.sees_gpu = bool(tf.config.list_physical_devices("GPU"))
        self.name = f"TensorFlow {tf.__version__} on a {'GPU' if self.sees_gpu else 'CPU'}"
        self.processor = "GPU" if self.sees_gpu else "CPU"
        self.precisions = PRECISIONS[:1] if self.sees_gpu else PRECISIONS

    def load(self, precision: str, concurrency: int = 1) -> Paint:
        """concurrency: as many as there are calls, whatever is told. Raises: EngineError."""
        import tensorflow as tf
        from google.protobuf.message import DecodeError

        config = tf.compat.v1.ConfigProto()
        if precision == "bfloat16":
            rewrite = config.graph_options.rewrite_options
            rewrite.auto_mixed_precision_onednn_bfloat16 = type(rewrite).ON
        definition = tf.compat.v1.GraphDef()

        def prepare() -> Paint:
            definition.ParseFromString(self._path.read_bytes())
            with tf.Graph().as_default() as graph:
                tf.import_graph_def(definition, name="")
            session = tf.compat.v1.Session(graph=graph, config=config)
            return session.make_callable(OUTPUT_TENSOR, [INPUT_TENSOR])

        errors = (DecodeError, ValueError, KeyError, TypeError, RuntimeError, MemoryError, tf.errors.OpError)
        try:
            run = interruptible.call(prepare)
        except errors as error:
            raise EngineError(_last_line(error)) from None

        def paint(pair: np.ndarray) -> np.ndarray:
            try:
                return _one_picture(run(pair))
            except errors as error:
                raise EngineError(_last_line(error)) from None

        return paint


def has_gpu_driver() -> bool:
    """Whether this system has the device of a GPU that TensorFlow can use: only then is it worth asking.

    Asking TensorFlow itself takes seconds; it uses GPUs on Linux (and Windows' Linux) alone.
    """
    return sys.platform == "linux" and any(
        glob.glob(pattern) for pattern in ("/dev/nvidia[0-9]*", "/dev/dxg", "/dev/kfd")
    )


def _one_picture(pictures: np.ndarray) -> np.ndarray:
    """uint8 (1, S, S, 3) or (S, S, 3) -> (S, S, 3), in memory of its own."""
    return np.array(pictures.reshape(pictures.shape[-3:]))


def _last_line(error: Exception) -> str:
    """What an engine's error means. Its own source's files come first, places in the graph behind it."""
    text = getattr(error, "message", None) or str(error)
    lines = [line.strip() for line in text.split("Original stack trace")[0].splitlines()]
    lines = [line for line in lines if line and not line.startswith("[[")]
    return cli.shown(lines[-1], 200) if lines else type(error).__name__


def _give_memory_back() -> None:
    """What was freed, to the system: the C library keeps it otherwise."""
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim:
            trim(0)
