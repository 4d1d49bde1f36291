"""Runs a frozen generator with OpenVINO, on the processor."""

import contextlib
import ctypes
import math
import queue
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np

from face2face import cli, loading
from face2face.file_cache import FileCache
from face2face.frozen_graph import INPUT_TENSOR, OUTPUT_TENSOR
from face2face.generator import graph_check, interruptible, polyphase
from face2face.generator.checks import generator_file, ir_shapes
from face2face.generator.checks.bounds import MAX_TOTAL_VALUES
from face2face.generator.checks.generator_file import IR_ENDING, GeneratorFile
from face2face.generator.checks.tensors import MAX_VALUES
from face2face.generator.engines import PRECISIONS, EngineError, RunGraph, last_line, one_picture
from face2face.generator.polyphase import Model

_NAMES = {"Const": "Constant", "ReLU": "Relu", "PReLU": "PRelu"}
OPERATIONS = {_NAMES.get(name, name) for name in ir_shapes.RULES}
"""The allowed operations, by the names that they have in a model that OpenVINO has read."""

_ERRORS = (RuntimeError, ValueError, TypeError, MemoryError)


class OpenVino:
    """Runs a frozen graph, or an IR, on the processor.

    Attributes:
        name: The engine's name and version.
        processor: The processor's name.
        precisions: Those of `PRECISIONS` that the processor computes in hardware.
    """

    def __init__(self, file: GeneratorFile, cache: Callable[[], FileCache]) -> None:
        """Import OpenVINO; nothing is loaded yet.

        Args:
            file: A file that passed the checks.
            cache: Returns the cache of converted graphs. It is called only when needed: it may have to wait
                for the file's hash.

        Raises:
            EngineError: If OpenVINO is not installed.
        """
        try:
            import openvino
        except ImportError as error:
            raise EngineError(f"openvino cannot be imported: {error}") from None
        self._core, self._file, self._cache = loading.openvino_core(), file, cache
        self._save, self._version = openvino.save_model, openvino.__version__.split("-")[0]
        self.name = f"OpenVINO {self._version}"
        self.processor = str(self._core.get_property("CPU", "FULL_DEVICE_NAME"))
        capabilities = self._core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
        self.precisions = PRECISIONS if "BF16" in capabilities else PRECISIONS[:1]

    def load(self, precision: str, concurrency: int = 1) -> RunGraph:
        """Compile the graph.

        Args:
            precision: One of `precisions`.
            concurrency: Number of faces that are generated at the same time, each on its share of the cores;
                further calls wait.

        Raises:
            EngineError: If OpenVINO cannot read or compile it.
        """
        model = self._read(self._file.path) if self._file.is_ir else self._converted(precision)
        settings = {
            "PERFORMANCE_HINT": "LATENCY",
            "NUM_STREAMS": concurrency,
            # The stages of the loop share the cores: the system schedules threads better than pinning.
            "ENABLE_CPU_PINNING": False,
            "INFERENCE_PRECISION_HINT": {"float32": "f32", "bfloat16": "bf16"}[precision],
        }
        try:
            compiled = interruptible.call(lambda: self._core.compile_model(model, "CPU", settings))
            idle = queue.SimpleQueue()
            for _ in range(concurrency):
                idle.put(compiled.create_infer_request())
            output = compiled.output(OUTPUT_TENSOR)
        except _ERRORS as error:
            raise EngineError(last_line(error)) from None
        _give_memory_back()

        def paint(pair: np.ndarray) -> np.ndarray:
            request = idle.get()
            try:
                return one_picture(request.infer({INPUT_TENSOR: pair}, share_inputs=True)[output])
            except _ERRORS as error:
                raise EngineError(last_line(error)) from None
            finally:
                idle.put(request)

        return paint

    def _converted(self, precision: str) -> Model:
        """The graph, converted to an IR in the cache.

        Converting takes seconds and holds the weights in memory twice; an IR is mapped. A cached IR is
        checked like any other file.

        Raises:
            EngineError: If OpenVINO cannot read the graph.
        """
        name = f"openvino-{self._version}-{precision}"

        def convert(folder: Path) -> None:
            path = folder / f"model{IR_ENDING}"
            self._save(self._prepared(precision), path, compress_to_fp16=False)
            graph_check.check(path)  # an IR that fails the check is not cached

        for _ in range(2):  # a damaged IR is converted again, once
            try:
                folder = self._cache().folder(name, convert)
            except cli.UserError:  # the conversion made operations that are not allowed
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

    def _prepared(self, precision: str) -> Model:
        """The graph, converted here.

        Raises:
            EngineError: If OpenVINO cannot read it.
        """
        model = self._read(self._file.path)
        if precision == "bfloat16":
            polyphase.split(model)
        return model

    def _read(self, path: Path) -> Model:
        """Read a graph, and check OpenVINO's own view of it before it is compiled.

        Raises:
            EngineError: If OpenVINO cannot read it, or cannot tell the shape of a tensor.
            UserError: If OpenVINO sees an operation that is not allowed, or tensors that are too large.
        """
        failure = None
        with loading.quiet_stderr():  # it tries a damaged file in every format, and prints an error for each
            try:
                model = interruptible.call(lambda: self._core.read_model(path))
            except _ERRORS as error:
                failure = error
        if failure:
            raise EngineError(last_line(failure))
        total = 0
        for operation in model.get_ops():
            kind, name = operation.get_type_name(), operation.get_friendly_name()
            if kind not in OPERATIONS:
                raise generator_file.operation_refused(path, kind, name)
            for output in operation.outputs():
                shape = output.get_partial_shape()
                said = f"its {kind} ({cli.shown(name)}) has the"
                if not shape.is_static:
                    raise EngineError(f"{said} shape {shape}")
                size = math.prod(shape.to_shape())
                total += size
                if size > MAX_VALUES or total > MAX_TOTAL_VALUES:
                    raise generator_file.not_a_generator(path, f"{said} shape {shape}")
        return model


def _give_memory_back() -> None:
    """Return freed memory to the system; the C library would keep it."""
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim:
            trim(0)
