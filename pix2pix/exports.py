"""Exports a frozen graph for engines of phones, browsers and other languages: ONNX and TFLite.

    file     engine         the target's JSON
    .onnx    ONNX Runtime   in the model's metadata, under `TARGET_KEY`
    .tflite  LiteRT         `target.json` in a ZIP archive after the model, as TFLite keeps associated files

Both have the input `drawing`, uint8 (1, S, S, 3), RGB, and the output `face`, of the same type and shape.
They compute in float32, like the frozen graph, and store weights as float16 if it does.
"""

import copy
import importlib.util
import io
import os
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from face2face import cli, files, frozen_graph, loading
from face2face.target.target_file import TARGET_NAME, Target

INPUT, OUTPUT = "drawing", "face"
"""The names of both formats' tensors."""

TARGET_KEY = frozen_graph.operation(frozen_graph.TARGET_TENSOR)
"""The key of the target's JSON in an ONNX model's metadata: the name that it has in the frozen graph."""

MAX_DIFFERENCE = 1
"""Largest difference between a frozen graph's faces and those of its exports, in [0, 255]: rounding."""

_TFLITE_MARK = slice(4, 8), b"TFL3"
"""Where a TFLite model tells what it is, and what it says there (schema.fbs, file_identifier)."""

GraphDef: TypeAlias = Any
"""A `tf.compat.v1.GraphDef`; TensorFlow and the converters are imported when they are used."""
DrawingToFace: TypeAlias = Callable[[np.ndarray], np.ndarray]
"""Paints a drawing, uint8 (S, S, 3), RGB -> the face, of the same type and shape."""


@dataclass(frozen=True)
class Format:
    """A file format, and what reads and writes it.

    Attributes:
        name: For people; the option of freeze_model.py is the same in lower case.
        engine: What runs it.
        packages: What it needs, by the names that Python imports; all are in requirements-export.txt.
        convert: Converts a TensorFlow function from a drawing to a face, adds the target's JSON, and returns
            the file's content; True: with weights as float16.
        read_target: Reads the target's JSON from a file; None if it has none, or is no file of this format.
        load: Loads a file into the format's engine.
    """

    name: str
    engine: str
    packages: tuple[str, ...]
    convert: Callable[[Any, str, bool], bytes]
    read_target: Callable[[Path], str | None]
    load: Callable[[Path], DrawingToFace]

    @property
    def option(self) -> str:
        """The option of freeze_model.py that asks for it."""
        return f"--{self.name.lower()}"

    def path(self, graph: Path) -> Path:
        """The path of a frozen graph's export, beside it."""
        return graph.with_suffix(f".{self.name.lower()}")

    def check_installed(self) -> None:
        """Check that its packages are installed.

        Raises:
            UserError: that says what to install.
        """
        if any(importlib.util.find_spec(package) is None for package in self.packages):
            raise cli.UserError(
                f"{self.option} needs {' and '.join(self.packages)}: "
                "python -m pip install -r requirements-export.txt"
            )

    def is_ours(self, path: Path) -> bool:
        """Whether a file was exported by this project: only those know their target."""
        return self.read_target(path) is not None


def export(
    graph: GraphDef,
    target: Target,
    kind: Format,
    path: Path,
    exact: DrawingToFace,
    drawings: Sequence[np.ndarray],
) -> int:
    """Write a frozen graph in another format, read it back, and compare the faces of both.

    Args:
        graph: As `frozen.freeze` or `frozen.halve` returned it.
        target: What is stored about the target.
        kind: One of `FORMATS`.
        path: The file to write.
        exact: Paints with the frozen graph.
        drawings: On which the faces are compared.

    Returns:
        The largest difference, in [0, 255].

    Raises:
        UserError: If that is above `MAX_DIFFERENCE`, or another file is in the way; then nothing is written.
    """
    from pix2pix import frozen

    function = _function(graph, target.image_size)
    model = kind.convert(function, target.to_json(), frozen.is_half(graph))
    with files.whole_file(path, kind.is_ours) as unfinished:
        unfinished.write_bytes(model)
        paint = kind.load(unfinished)
        difference = max(frozen.largest_difference(exact(each), paint(each)) for each in drawings)
        if difference > MAX_DIFFERENCE:
            raise cli.UserError(
                f"expected {kind.name} faces within {MAX_DIFFERENCE} of 255 of the frozen model's, got "
                f"{difference} over {len(drawings)} drawings: {path} is not written"
            )
    return difference


def _function(graph: GraphDef, size: int) -> Any:
    """A TensorFlow function that runs a frozen graph on a drawing, in place of its input's left half."""
    import tensorflow as tf

    image = frozen_graph.operation(frozen_graph.INPUT_TENSOR)
    (left_half,) = [node.name for node in graph.node if image in node.input]
    signature = [tf.TensorSpec((1, size, size, 3), tf.uint8, name=INPUT)]

    @tf.function(input_signature=signature, autograph=False)
    def paint(drawing: tf.Tensor) -> dict[str, tf.Tensor]:
        inputs, outputs = {f"{left_half}:0": drawing}, [frozen_graph.OUTPUT_TENSOR]
        (face,) = tf.import_graph_def(graph, inputs, outputs, name="")
        return {OUTPUT: face}

    return paint


# --- ONNX -----------------------------------------------------------------------------------------------


def _to_onnx(function: Any, target: str, half: bool) -> bytes:
    import onnx
    import tf2onnx

    model, _ = tf2onnx.convert.from_function(function, function.input_signature)
    if half:
        _halve_onnx(model)
    onnx.helper.set_model_props(model, {TARGET_KEY: target})
    return model.SerializeToString()


def _halve_onnx(model: Any) -> None:
    """Store a model's weights as float16, in place, as `frozen.halve` does: the conversion widened them."""
    from onnx import TensorProto, helper, numpy_helper

    from pix2pix import frozen

    for weights in model.graph.initializer:
        values = numpy_helper.to_array(weights)
        if values.dtype != np.float32 or values.size < frozen.FEW_VALUES:
            continue
        name, narrow = weights.name, f"{weights.name}/half"
        weights.CopyFrom(numpy_helper.from_array(values.astype(np.float16), narrow))
        model.graph.node.insert(0, helper.make_node("Cast", [narrow], [name], to=TensorProto.FLOAT))


def _target_in_onnx(path: Path) -> str | None:
    import onnx
    from google.protobuf.message import DecodeError

    try:
        model = onnx.load(path, load_external_data=False)
    except (DecodeError, OSError):
        return None
    return {entry.key: entry.value for entry in model.metadata_props}.get(TARGET_KEY)


def _load_onnx(path: Path) -> DrawingToFace:
    import onnxruntime

    session = onnxruntime.InferenceSession(path.read_bytes())
    return lambda drawing: session.run([OUTPUT], {INPUT: drawing[None]})[0][0]


# --- TFLite ---------------------------------------------------------------------------------------------


def _to_tflite(function: Any, target: str, half: bool) -> bytes:
    import tensorflow as tf

    module = tf.Module()
    module.paint = function  # what it refers to has to live until it is converted
    concrete = function.get_concrete_function()
    converter = tf.lite.TFLiteConverter.from_concrete_functions([concrete], module)
    with loading.quiet_stderr():
        model = converter.convert()
    whole = io.BytesIO(_halved_tflite(model) if half else model)
    with zipfile.ZipFile(whole, "a") as archive:  # "a" appends an archive to what is no archive
        # A ZipInfo has no time of its own: the same model gives the same file.
        archive.writestr(zipfile.ZipInfo(TARGET_NAME), target)
    return whole.getvalue()


def _halved_tflite(model: bytes) -> bytes:
    """Store a model's weights as float16, as `frozen.halve` does.

    The converter's own float16 also rounds the biases and other constants of few values, which changes faces
    by up to 3 of 255.
    """
    from tensorflow.lite.python import schema_py_generated as schema
    from tensorflow.lite.tools import flatbuffer_utils

    from pix2pix import frozen

    whole = flatbuffer_utils.read_model_from_bytearray(bytearray(model))
    widens = schema.OperatorCodeT()
    widens.builtinCode = widens.deprecatedBuiltinCode = schema.BuiltinOperator.DEQUANTIZE
    widens.version = 3  # the first that reads float16
    whole.operatorCodes.append(widens)
    (graph,) = whole.subgraphs
    halved: set[int] = set()
    for index, weights in enumerate(list(graph.tensors)):
        buffer = whole.buffers[weights.buffer]
        is_large = buffer.data is not None and np.prod(weights.shape) >= frozen.FEW_VALUES
        if weights.type != schema.TensorType.FLOAT32 or not is_large:
            continue
        if weights.buffer not in halved:  # tensors of the same values share a buffer
            buffer.data = np.frombuffer(bytes(buffer.data), "<f4").astype("<f2").view(np.uint8)
            halved.add(weights.buffer)
        narrow = copy.copy(weights)
        narrow.name, narrow.type = weights.name + b"/half", schema.TensorType.FLOAT16
        weights.buffer = 0  # computed
        operation = schema.OperatorT()
        operation.opcodeIndex = len(whole.operatorCodes) - 1
        operation.inputs, operation.outputs = [len(graph.tensors)], [index]
        graph.tensors.append(narrow)
        graph.operators.insert(0, operation)
    return flatbuffer_utils.convert_object_to_bytearray(whole)


def _target_in_tflite(path: Path) -> str | None:
    place, mark = _TFLITE_MARK
    try:
        with path.open("rb") as file, zipfile.ZipFile(file) as archive:
            target = archive.read(TARGET_NAME).decode()
            file.seek(0)
            return target if file.read(place.stop)[place] == mark else None
    except (OSError, KeyError, UnicodeDecodeError, zipfile.BadZipFile):
        return None


def _load_tflite(path: Path) -> DrawingToFace:
    from ai_edge_litert.interpreter import Interpreter

    with loading.quiet_stderr():
        interpreter = Interpreter(model_content=path.read_bytes(), num_threads=os.cpu_count())
        interpreter.allocate_tensors()
        paint = interpreter.get_signature_runner()
    return lambda drawing: paint(**{INPUT: drawing[None]})[OUTPUT][0]


FORMATS = (
    Format("ONNX", "ONNX Runtime", ("tf2onnx", "onnxruntime"), _to_onnx, _target_in_onnx, _load_onnx),
    Format("TFLite", "LiteRT", ("ai_edge_litert",), _to_tflite, _target_in_tflite, _load_tflite),
)
