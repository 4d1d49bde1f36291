"""A frozen generator behind one interface, whatever engine runs it."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from face2face import cli, frozen_graph
from face2face.face.geometry import LANDMARKS
from face2face.file_cache import FileCache
from face2face.generator import engines, graph_check, interruptible
from face2face.generator.checks import generator_file
from face2face.generator.checks.generator_file import GeneratorFile
from face2face.generator.engines import EngineError, RunGraph
from face2face.generator.openvino_engine import OpenVino
from face2face.generator.tensorflow_engine import TensorFlow
from face2face.target.target_file import Target

AUTO = "auto"
"""As an engine: OpenVINO, or TensorFlow if it finds a GPU. As a precision: the fastest whose faces are near
float32's."""

NEAR_ENOUGH = 0.5
"""Maximum mean difference from float32's faces, in [0, 255], of a precision that `AUTO` chooses."""
FASTER = 0.95
"""A precision counts as faster if it takes at most this share of float32's time: the rest is noise."""

KEEPS_UP = 0.6
"""Faces are generated one at a time, on all cores, if that takes at most this share of the time between two
drawings: each is then ready sooner than if two are generated at a time. The rest of the time is left for the
loop's other stages."""

_DRAWINGS = 12  # on which a precision is tried


@dataclass(frozen=True)
class Measured:
    """What was measured of a precision.

    Attributes:
        milliseconds: That a face takes.
        difference: Mean difference from float32's faces, in [0, 255].
    """

    milliseconds: float
    difference: float


@dataclass(frozen=True)
class Comparison:
    """The result of comparing precisions, as it is cached.

    Attributes:
        precision: The chosen one.
        measured: Of each precision.
    """

    precision: str
    measured: dict[str, Measured]


class Generator:
    """Generates the target's face from a drawing.

    Attributes:
        target: What the graph knows of its target; of the 2017 demo's graphs only the image size is known.
        engine: The engine and precision that run it, for people to read.
        concurrency: Number of faces that it generates at the same time, for calls from as many threads.
    """

    def __init__(
        self,
        path: str | Path,
        engine: str = AUTO,
        precision: str = "float32",
        concurrency: int = 1,
        interval: float | None = None,
    ) -> None:
        """Check the file, and load it by the first engine that can run it.

        Args:
            path: A frozen graph (.pb), or an IR (.xml).
            engine: One of `engines.ENGINES`, or `AUTO`.
            precision: One of `engines.PRECISIONS`, or `AUTO`.
            concurrency: Number of faces at the same time. 2 keep the cores busier; each takes longer.
            interval: Seconds from one drawing to the next, if they come at a steady rate: where one face at a
                time is quick enough for it (`KEEPS_UP`), `concurrency` becomes 1. None: as fast as possible.

        Raises:
            UserError: If the file is missing, damaged, or no generator's frozen graph; or could do more than
                paint; or cannot be run with this engine and precision.
        """
        file = graph_check.check(path)
        self._path = file.path
        size = file.image_size
        self.target = Target(size)
        if file.target is not None:
            self.target = Target.from_json(file.target, str(path))
            if self.target.image_size != size:
                raise cli.UserError(
                    f"{path}: expected a target of {size} pixels, got {self.target.image_size}"
                )
        self.concurrency, self._interval = concurrency, interval
        with ThreadPoolExecutor(1) as executor:  # the file is hashed while an engine is imported
            cache = executor.submit(FileCache, file.files).result
            self.engine, self._paint = self._load(file, engine, precision, cache)

    def __call__(self, drawing: np.ndarray) -> np.ndarray:
        """Generate a face.

        Args:
            drawing: uint8 (S, S, 3), RGB.

        Returns:
            The face, uint8 (S, S, 3), RGB.

        Raises:
            UserError: If the engine fails on the drawing.
        """
        try:
            return self._paint(engines.input_of(drawing))
        except EngineError as error:
            raise cli.UserError(f"{self._path} does not paint: {self.engine}: {error}") from None

    def _load(
        self, file: GeneratorFile, engine: str, precision: str, cache: Callable[[], FileCache]
    ) -> tuple[str, RunGraph]:
        """Load the file by the first engine that can run it; returns engine and precision, and the graph."""
        makers = {"openvino": lambda: OpenVino(file, cache), "tensorflow": lambda: TensorFlow(file)}
        order = [engine] if engine != AUTO else list(engines.ENGINES)
        if engine == AUTO and file.is_ir:
            order = ["openvino"]
        elif engine == AUTO and engines.has_gpu_driver() and TensorFlow(file).sees_gpu:
            order.reverse()
        failed = []
        for name in order:
            try:
                loaded = makers[name]()
                found = self._at_precision(file, loaded, precision, cache)
            except EngineError as error:
                failed.append((name, error))
                continue
            for name, error in failed:
                cli.warn(f"{name} cannot run {file.path} ({error}): going on with {loaded.name}")
            return found
        raise generator_file.not_a_generator(
            file.path, "; ".join(f"{name}: {error}" for name, error in failed)
        )

    def _at_precision(
        self,
        file: GeneratorFile,
        engine: OpenVino | TensorFlow,
        precision: str,
        cache: Callable[[], FileCache],
    ) -> tuple[str, RunGraph]:
        """Load the file at a precision; returns engine and precision, for people, and the graph."""
        milliseconds = None
        if precision == AUTO:
            precision, milliseconds = self._fastest_precision(engine, cache)
        elif precision not in engine.precisions:
            raise cli.UserError(
                f"expected --precision {' or '.join(engine.precisions)}, got {precision}: "
                f"{engine.name} has no other on this machine"
            )
        if self.concurrency > 1 and self._interval is not None:
            milliseconds = milliseconds or self._milliseconds_alone(engine, precision, cache)
            if milliseconds <= KEEPS_UP * 1000 * self._interval:
                self.concurrency = 1
        paint = engine.load(precision, self.concurrency)
        if file.is_int8:
            precision = f"int8 and {precision}"
        size = self.target.image_size
        black = engines.input_of(np.zeros((size, size, 3), np.uint8))
        face = interruptible.call(partial(paint, black))
        if face.shape != (size, size, 3) or face.dtype != np.uint8:
            raise EngineError(f"it paints {face.dtype} {face.shape}, not uint8 {(size, size, 3)}")
        return f"{engine.name}, {precision}", paint

    def _fastest_precision(
        self, engine: OpenVino | TensorFlow, cache: Callable[[], FileCache]
    ) -> tuple[str, float | None]:
        """The fastest precision whose faces are near float32's, and the milliseconds that a face takes in it.

        They are compared once. The time is None if the engine has float32 alone.
        """
        if len(engine.precisions) == 1:
            return "float32", None
        key = f"{engine.name}, {engine.processor}"
        known = cache().note(key, Comparison)
        if known is None or known.precision not in engine.precisions:
            known = self._compare(engine)
            cache().write_note(key, known)
        return known.precision, known.measured[known.precision].milliseconds

    def _compare(self, engine: OpenVino | TensorFlow) -> Comparison:
        """Compare the engine's precisions, and choose the fastest one whose faces are near float32's.

        They are loaded one after the other: together they would take more memory than the loop needs later.
        """
        drawings = sample_drawings(self.target, _DRAWINGS)
        exact, milliseconds = self._try(engine, "float32", drawings)
        measured = {"float32": Measured(milliseconds, 0.0)}
        for precision in engine.precisions[1:]:
            faces, milliseconds = self._try(engine, precision, drawings)
            difference = round(float(np.abs(faces - exact).mean()), 4)
            measured[precision] = Measured(milliseconds, difference)
        limit = FASTER * measured["float32"].milliseconds
        near = [
            precision
            for precision, found in measured.items()
            if found.difference < NEAR_ENOUGH and found.milliseconds <= limit
        ]
        best = min(near, key=lambda precision: measured[precision].milliseconds, default="float32")
        return Comparison(best, measured)

    def _milliseconds_alone(
        self, engine: OpenVino | TensorFlow, precision: str, cache: Callable[[], FileCache]
    ) -> float:
        """The time of a face that is generated alone, on all cores. It is measured once."""
        key = f"{engine.name}, {engine.processor}, {precision}, alone"
        milliseconds = cache().note(key, float)
        if milliseconds is None:
            _, milliseconds = self._try(engine, precision, sample_drawings(self.target, _DRAWINGS))
            cache().write_note(key, milliseconds)
        return milliseconds

    def _try(
        self, engine: OpenVino | TensorFlow, precision: str, drawings: list[np.ndarray]
    ) -> tuple[np.ndarray, float]:
        """The faces of some drawings, int16 (N, S, S, 3), and the milliseconds that the fastest took."""
        paint = engine.load(precision)
        faces, times = [], []
        for drawing in drawings:
            began = time.perf_counter()
            faces.append(interruptible.call(partial(paint, engines.input_of(drawing))).astype(np.int16))
            times.append(time.perf_counter() - began)
        return np.array(faces), round(1000 * min(times), 2)  # the others shared the processor


def model_name(path: Path) -> str:
    """A generator's name for people: its file's, or its folder's if the file has the default name."""
    is_telling = not path.stem.startswith(frozen_graph.STEM)
    return path.stem if is_telling else path.resolve().parent.name


def sample_drawings(target: Target, count: int) -> list[np.ndarray]:
    """Random drawings such as a driver produces: the target's face, in its range of expression and shift.

    Args:
        target: What is known of the target; if its face is unknown, the drawings are random lines.
        count: Number of drawings.

    Returns:
        uint8 (S, S, 3), RGB, each.
    """
    size, face = target.image_size, target.face
    random = np.random.default_rng(0)
    if face is None:
        shapes = random.uniform(0.2 * size, 0.8 * size, (count, LANDMARKS, 2))
    else:
        # Near the face at rest, as people mostly are: all extremes together would be no face.
        (low, high), (low_shift, high_shift) = face.ranges.T, face.motion[:2].T
        side = np.where(random.random((count, len(low))) < 0.5, low, high)
        along = side * (1 - np.sqrt(random.random(side.shape)))
        shapes = face.neutral + (along @ face.components).reshape(-1, LANDMARKS, 2)
        shapes += random.uniform(low_shift, high_shift, (count, 1, 2))
    return [target.draw(shape) for shape in shapes]
