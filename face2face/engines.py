"""What runs a frozen generator: OpenVINO or TensorFlow. Each is imported when it is first asked to."""

import ctypes
import glob
import queue
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np

from face2face import cli, split_convolutions
from face2face.graph_check import INPUT_TENSOR, IR_ENDING, OUTPUT_TENSOR, GeneratorFile
from face2face.model_cache import ModelCache

ENGINES = ("openvino", "tensorflow")
PRECISIONS = ("float32", "bfloat16")

Paint = Callable[[np.ndarray], np.ndarray]
"""A loaded graph: uint8 (S, 2 S, 3), RGB -> uint8 (S, S, 3), RGB, the drawing's face. Made new each time.
Any thread may call it, also while it paints for another."""


class EngineError(Exception):
    """An engine is not there, or cannot run this graph; the text says why, in one line."""


class OpenVino:
    """On the processor, from TensorFlow's frozen graph or from an IR."""

    def __init__(self, file: GeneratorFile, cache: Callable[[], ModelCache]):
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

    def load(self, precision: str, at_once: int = 1) -> Paint:
        """at_once: faces that are painted at the same time, each by its share of the cores; more calls wait.

        Raises: EngineError.
        """
        try:
            path = self._file.path if self._file.is_ir else self._converted(precision)
            compiled = self._core.compile_model(
                self._read(path),
                "CPU",
                {
                    "PERFORMANCE_HINT": "LATENCY",
                    "NUM_STREAMS": at_once,
                    # Its threads share the cores with the other stages: the system finds the freer ones.
                    "ENABLE_CPU_PINNING": False,
                    "INFERENCE_PRECISION_HINT": {"float32": "f32", "bfloat16": "bf16"}[precision],
                },
            )
            idle = queue.SimpleQueue()
            for _ in range(at_once):
                idle.put(compiled.create_infer_request())
            output = compiled.output(OUTPUT_TENSOR)
        except RuntimeError as error:
            raise EngineError(_last_line(error)) from None
        _give_memory_back()

        def paint(pair: np.ndarray) -> np.ndarray:
            request = idle.get()
            try:
                return _one_picture(request.infer({INPUT_TENSOR: pair}, share_inputs=True)[output])
            except RuntimeError as error:
                raise EngineError(_last_line(error)) from None
            finally:
                idle.put(request)

        return paint

    def _read(self, path: Path):
        """An OpenVINO model. Raises: RuntimeError."""
        failure = None
        with cli.quiet_stderr():  # it tries a damaged file in other formats, too, and says so of each
            try:
                return self._core.read_model(path)
            except RuntimeError as error:
                failure = error
        raise failure

    def _converted(self, precision: str) -> Path:
        """The graph as an IR: converting it takes seconds and its weights twice over; an IR is mapped."""

        def convert(folder: Path) -> None:
            model = self._read(self._file.path)
            if precision == "bfloat16":
                split_convolutions.split(model)
            self._save(model, folder / f"model{IR_ENDING}", compress_to_fp16=False)

        folder = self._cache().folder(f"openvino-{self._version}-{precision}", convert)
        _give_memory_back()
        return folder / f"model{IR_ENDING}" if folder else self._file.path


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

    def load(self, precision: str, at_once: int = 1) -> Paint:
        """at_once: as many as there are calls, whatever is told. Raises: EngineError."""
        import tensorflow as tf
        from google.protobuf.message import DecodeError

        config = tf.compat.v1.ConfigProto()
        if precision == "bfloat16":
            rewrite = config.graph_options.rewrite_options
            rewrite.auto_mixed_precision_onednn_bfloat16 = type(rewrite).ON
        definition = tf.compat.v1.GraphDef()
        try:
            definition.ParseFromString(self._path.read_bytes())
            with tf.Graph().as_default() as graph:
                tf.import_graph_def(definition, name="")
            session = tf.compat.v1.Session(graph=graph, config=config)
            run = session.make_callable(OUTPUT_TENSOR, [INPUT_TENSOR])
        except (DecodeError, ValueError, KeyError, tf.errors.OpError) as error:
            raise EngineError(_last_line(error)) from None

        def paint(pair: np.ndarray) -> np.ndarray:
            try:
                return _one_picture(run(pair))
            except tf.errors.OpError as error:
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
    """Of an engine's error, which tells its own source's files first, what it means."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return ascii(lines[-1][:200])[1:-1] if lines else type(error).__name__


def _give_memory_back() -> None:
    """What was freed, to the system: the C library keeps it otherwise."""
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim:
            trim(0)
