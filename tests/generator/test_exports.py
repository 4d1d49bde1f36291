"""freeze_model.py --onnx and --tflite. What converts is tested where requirements-export.txt is installed."""

import base64
import importlib.util
import io
import json
import re
import shutil
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest

import freeze_model
from face2face import pictures
from face2face.cli import UserError
from face2face.face.crop import CropBox
from face2face.face.drawing import draw
from face2face.face.landmarks import LandmarkDetector
from face2face.generator.generator import Generator, sample_drawings
from face2face.target.plate import Plate
from face2face.target.statistics import TargetFace
from face2face.target.target_file import Target
from pix2pix import exports, options
from tests import browsers, made

SIZE = made.SMALL.image_size
ONNX, TFLITE = exports.FORMATS

each_format = pytest.mark.parametrize("kind", exports.FORMATS, ids=[kind.name for kind in exports.FORMATS])
needs_converters = pytest.mark.skipif(
    any(importlib.util.find_spec(package) is None for kind in exports.FORMATS for package in kind.packages),
    reason="needs requirements-export.txt",
)


def run_onnx(path: Path, drawing: np.ndarray) -> np.ndarray:
    """As somebody with nothing but ONNX Runtime and the README would."""
    import onnxruntime

    session = onnxruntime.InferenceSession(path)
    (face,) = session.run(["face"], {"drawing": drawing[None]})
    return face


def run_tflite(path: Path, drawing: np.ndarray) -> np.ndarray:
    """As somebody with nothing but LiteRT and the README would."""
    from ai_edge_litert.interpreter import Interpreter

    return Interpreter(str(path)).get_signature_runner()(drawing=drawing[None])["face"]


def known_to_onnx(path: Path) -> str:
    import onnxruntime

    return onnxruntime.InferenceSession(path).get_modelmeta().custom_metadata_map["face2face/target"]


def known_to_tflite(path: Path) -> str:
    return zipfile.ZipFile(path).read("target.json").decode()


RUN = {ONNX: run_onnx, TFLITE: run_tflite}
KNOWN = {ONNX: known_to_onnx, TFLITE: known_to_tflite}


@pytest.fixture(scope="module")
def drawings(clips) -> list[np.ndarray]:
    """Of a real driver, whose landmarks are found in a sample clip; of a schematic face; and noise."""
    capture = cv2.VideoCapture(str(clips / "single_face.mp4"))
    frame = capture.read()[1]
    capture.release()
    box = CropBox.centre(frame.shape[1], frame.shape[0])
    at = box.points(LandmarkDetector().find(frame).points, SIZE)
    noise = np.random.default_rng(0).integers(0, 256, (SIZE, SIZE, 3), np.uint8)
    return [draw(at, SIZE), draw(made.points(SIZE), SIZE), noise]


@pytest.fixture(scope="module")
def target() -> Target:
    return Target(
        SIZE, "colour", TargetFace.measure(np.array([made.points(SIZE, seed) for seed in range(8)]))
    )


def graph_of(
    target: Target, statistics: str = options.NONE, separable: bool = False, plate: Plate | None = None
):
    from pix2pix import folding, frozen

    network = made.generator(SIZE, 8, separable=separable, statistics=statistics)
    made.unsettle(network)
    return frozen.freeze(folding.fold(network), target, plate)


def of_half_a_plate(target: Target):
    mask = np.zeros((SIZE, SIZE), np.uint8)
    mask[: SIZE // 2] = np.linspace(255, 1, SIZE // 2)[:, None]
    picture = np.rint(made.noise(SIZE, SIZE) * (mask[..., None] / 255)).astype(np.uint8)
    return graph_of(target, plate=Plate(picture, mask))


def halved(graph):
    from pix2pix import frozen

    return frozen.halve(graph)


GRAPHS = {
    "norm-free": graph_of,
    "instance norm, as with --paper": lambda target: graph_of(target, options.INSTANCE),
    "separable": lambda target: graph_of(target, options.MOVING, separable=True),
    "separable, halved": lambda target: halved(graph_of(target, options.MOVING, separable=True)),
    "with a plate": of_half_a_plate,
    "with a plate, halved": lambda target: halved(of_half_a_plate(target)),
}


@pytest.fixture(scope="module", params=GRAPHS)
def frozen_graph(request, target, tmp_path_factory) -> Path:
    from pix2pix import frozen

    path = tmp_path_factory.mktemp("graph") / "frozen_model.pb"
    frozen.write(GRAPHS[request.param](target), path)
    return path


def exported(kind: exports.Format, path: Path, target: Target, drawings: list) -> Path:
    """Export a frozen graph beside itself."""
    import tensorflow as tf

    graph = tf.compat.v1.GraphDef.FromString(path.read_bytes())
    exports.export(graph, target, kind, kind.path(path), Generator(path, "tensorflow"), drawings)
    return kind.path(path)


# --- the models -----------------------------------------------------------------------------------------


@needs_converters
@each_format
def test_another_engine_paints_the_same_face(frozen_graph, kind, target, drawings):
    path = exported(kind, frozen_graph, target, drawings)
    exact = Generator(frozen_graph, "tensorflow")
    for drawing in (*drawings, *sample_drawings(target, 4)):
        face, expected = RUN[kind](path, drawing), exact(drawing).astype(int)
        assert face.shape == (1, SIZE, SIZE, 3) and face.dtype == np.uint8
        assert np.abs(face[0] - expected).max() <= 1 < expected.std()
    assert path.stat().st_size < 1.2 * frozen_graph.stat().st_size  # where that is halved, this is, too
    assert KNOWN[kind](path) == kind.read_target(path) == target.to_json()


@needs_converters
def test_the_script_writes_both_and_says_how_near_they_are(frozen_model, tmp_path):
    folder = shutil.copytree(frozen_model.parent, tmp_path / "reduced")
    arguments = ("--model-folder", folder, "--onnx", "--tflite")
    done = made.run_script(made.ROOT / "freeze_model.py", *arguments)
    assert (done.returncode, done.stderr) == (0, "")
    for kind in exports.FORMATS:
        assert re.search(rf"^wrote {kind.path(folder / frozen_model.name)}: \d+\.\d MB$", done.stdout, re.M)
        assert re.search(rf"between the frozen and the {kind.name} model: [01] of 255\n", done.stdout)
    graph = Generator(folder / frozen_model.name, "tensorflow")
    drawing = sample_drawings(graph.target, 1)[0]
    for kind in exports.FORMATS:
        face = RUN[kind](kind.path(folder / frozen_model.name), drawing)[0]
        assert np.abs(face.astype(int) - graph(drawing)).max() <= 1
        assert json.loads(KNOWN[kind](kind.path(folder / frozen_model.name)))["face"]["neutral"]
    assert not [path for path in folder.iterdir() if path.name.startswith(".")]
    assert made.edge(freeze_model.main, *arguments) == 0  # a second run replaces what the first one wrote


@needs_converters
@each_format
def test_a_target_from_elsewhere_is_its_size_and_drawing(kind, tmp_path, drawings):
    from pix2pix import frozen

    target = Target(SIZE, "colour")
    frozen.write(graph_of(target), tmp_path / "frozen_model.pb")
    path = exported(kind, tmp_path / "frozen_model.pb", target, drawings)
    assert Target.from_json(KNOWN[kind](path), str(path)) == target


# --- what can go wrong ----------------------------------------------------------------------------------


@pytest.fixture
def reduced(frozen_model, tmp_path):
    """A reduced model's folder that has not been frozen."""
    folder = shutil.copytree(frozen_model.parent, tmp_path / "reduced")
    (folder / frozen_model.name).unlink()
    return folder


@each_format
def test_without_the_converter_one_line_says_what_to_install(kind, reduced, monkeypatch, capsys):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)  # as if nothing were installed
    before = made.tree(reduced)
    assert made.edge(freeze_model.main, "--model-folder", reduced, kind.option) == 2
    (error,) = capsys.readouterr().err.splitlines()
    assert error == (
        f"error: {kind.option} needs {' and '.join(kind.packages)}: "
        "python -m pip install -r requirements-export.txt"
    )
    assert made.tree(reduced) == before


def foreign_onnx() -> bytes:
    from onnx import TensorProto, helper

    node = helper.make_node("Identity", ["drawing"], ["face"])
    tensors = [helper.make_tensor_value_info(name, TensorProto.UINT8, [1]) for name in ("drawing", "face")]
    return helper.make_model(
        helper.make_graph([node], "theirs", tensors[:1], tensors[1:])
    ).SerializeToString()


def zipped(mark: bytes, name: str) -> bytes:
    """A file that begins with 4 bytes and a mark, and ends as an archive with one file."""
    whole = io.BytesIO(bytes(4) + mark)
    with zipfile.ZipFile(whole, "a") as archive:
        archive.writestr(name, "{}")
    return whole.getvalue()


@needs_converters
@pytest.mark.parametrize(
    "kind, content",
    [
        (ONNX, lambda: b"notes"),
        (ONNX, foreign_onnx),
        (TFLITE, lambda: b"notes"),
        (TFLITE, lambda: zipped(b"TFL3", "labels.txt")),
        (TFLITE, lambda: zipped(b"----", "target.json")),
    ],
    ids=["onnx: notes", "onnx: a model", "tflite: notes", "tflite: a model", "tflite: an archive"],
)
def test_another_file_is_kept_and_nothing_is_written(kind, content, reduced, capsys):
    kind.path(reduced / "frozen_model.pb").write_bytes(content())
    before = made.tree(reduced)
    assert made.edge(freeze_model.main, "--model-folder", reduced, kind.option) == 2
    error = capsys.readouterr().err
    assert error.startswith(
        "error: expected a new file, or an older one of this kind to replace, got another"
    )
    assert made.tree(reduced) == before


@needs_converters
@each_format
def test_a_difference_that_is_too_large_is_refused_with_the_figure(kind, target, drawings, tmp_path):
    graph, path = graph_of(target), kind.path(tmp_path / "frozen_model.pb")
    with pytest.raises(UserError, match=rf"expected {kind.name} faces within 1 of 255 .* over 3 drawings: "):
        exports.export(graph, target, kind, path, lambda drawing: 255 - drawing, drawings)
    assert not list(tmp_path.iterdir())


@needs_converters
@each_format
def test_what_is_interrupted_leaves_the_older_file(kind, target, drawings, tmp_path):
    def interrupted(drawing):
        raise KeyboardInterrupt

    path = kind.path(tmp_path / "frozen_model.pb")
    path.touch()
    with pytest.raises(KeyboardInterrupt):
        exports.export(graph_of(target), target, kind, path, interrupted, drawings)
    assert [(file.name, file.stat().st_size) for file in tmp_path.iterdir()] == [(path.name, 0)]


# --- the page -------------------------------------------------------------------------------------------

ORT_WEB = made.ROOT / "node_modules" / "onnxruntime-web"


@needs_converters
@pytest.mark.skipif(not ORT_WEB.is_dir(), reason="needs npm install onnxruntime-web, in the project's folder")
def test_the_page_paints_the_same_face_in_a_browser(request, target, drawings, tmp_path):
    from pix2pix import frozen

    chrome = browsers.chromium(tmp_path / "profile")
    request.addfinalizer(chrome.quit)
    folder = tmp_path / "served"
    shutil.copytree(ORT_WEB / "dist", folder / "node_modules/onnxruntime-web/dist")
    shutil.copy(made.ROOT / "examples/browser.html", folder)
    frozen.write(graph_of(target), folder / "frozen_model.pb")
    exported(ONNX, folder / "frozen_model.pb", target, drawings)
    pictures.write(tmp_path / "1.png", drawings[0])

    with browsers.serving(folder) as address:
        chrome.get(f"{address}/browser.html")
        said = chrome.find_element("id", "said")
        made.until(lambda: said.text == "ready")
        chrome.find_element("tag name", "input").send_keys(str(tmp_path / "1.png"))
        made.until(lambda: re.fullmatch(r"painted in \d+ ms", said.text))
        png = chrome.execute_script("return document.getElementById('face').toDataURL().split(',')[1]")
    shown = cv2.imdecode(np.frombuffer(base64.b64decode(png), np.uint8), cv2.IMREAD_COLOR_RGB)
    expected = Generator(folder / "frozen_model.pb", "tensorflow")(drawings[0]).astype(int)
    assert np.abs(shown - expected).max() <= 1 < expected.std()
