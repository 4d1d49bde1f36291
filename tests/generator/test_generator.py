"""Engines and precisions: the same faces whatever runs the graph, a quick second start, fall-backs."""

import json
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from face2face import file_cache, loading
from face2face.cli import UserError
from face2face.generator.generator import AUTO, NEAR_ENOUGH, Generator, model_name, sample_drawings
from pix2pix import folding, frozen, options
from tests import made

SIZE = 64
V1 = tf.compat.v1


@pytest.fixture
def cache(tmp_path, monkeypatch) -> Path:
    """An empty cache, to which nothing else writes."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return file_cache.root()


def kept(cache: Path) -> list[Path]:
    return sorted(path for path in cache.rglob("*") if path.is_file())


def has_bfloat16() -> bool:

    return "BF16" in loading.openvino_core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")


def faces(generator: Generator) -> np.ndarray:
    return np.array([generator(drawing) for drawing in sample_drawings(generator.target, 6)]).astype(int)


def test_both_engines_paint_the_same(frozen_model):
    by_openvino, by_tensorflow = (Generator(frozen_model, engine) for engine in ("openvino", "tensorflow"))
    assert by_openvino.engine.startswith("OpenVINO ") and by_openvino.engine.endswith(", float32")
    assert by_tensorflow.engine.startswith("TensorFlow ")
    difference = np.abs(faces(by_openvino) - faces(by_tensorflow))
    assert (difference <= 1).mean() >= 0.999
    assert np.std(faces(by_openvino)) > 20
    assert by_openvino.target.to_json() == by_tensorflow.target.to_json()


def test_a_graph_that_normalises_each_picture_runs_on_both(frozen_model, tmp_path):
    """As those of `--paper`."""
    network = made.generator(SIZE, 8, statistics=options.INSTANCE)
    made.unsettle(network)
    target = Generator(frozen_model, "tensorflow").target
    frozen.write(frozen.freeze(folding.fold(network), target), tmp_path / "frozen_model.pb")
    by_openvino, by_tensorflow = (
        faces(Generator(tmp_path / "frozen_model.pb", engine)) for engine in ("openvino", "tensorflow")
    )
    assert (np.abs(by_openvino - by_tensorflow) <= 1).mean() >= 0.999
    assert np.std(by_openvino) > 20


@pytest.mark.parametrize("engine", ["openvino", "tensorflow"])
def test_faces_painted_at_once_are_those_painted_one_after_the_other(frozen_model, engine):
    generator = Generator(frozen_model, engine, concurrency=2)
    drawings = sample_drawings(generator.target, 12)
    expected = [Generator(frozen_model, engine)(drawing) for drawing in drawings[:2]]
    with ThreadPoolExecutor(4) as threads:
        painted = list(threads.map(generator, drawings))
    # Other shares of the cores may round otherwise.
    assert np.abs(np.array(painted[:2]).astype(int) - expected).max() <= 1
    assert all(
        np.array_equal(face, generator(drawing)) for face, drawing in zip(painted, drawings, strict=True)
    )


def test_a_graph_of_half_precision_runs_on_both(frozen_model, tmp_path):
    graph = V1.GraphDef.FromString(frozen_model.read_bytes())
    frozen.write(frozen.halve(graph), tmp_path / "half.pb")
    by_openvino, by_tensorflow = (
        faces(Generator(tmp_path / "half.pb", e)) for e in ("openvino", "tensorflow")
    )
    assert (np.abs(by_openvino - by_tensorflow) <= 1).mean() >= 0.999


def test_tensorflow_is_not_imported_for_openvino(frozen_model, clips):
    code = (
        "import sys, run_webcam; run_webcam.main(sys.argv[1:]); "
        "print([name for name in ('tensorflow', 'keras', 'openvino') if name in sys.modules])"
    )
    arguments = ("--tf-model", frozen_model, "--source", clips / "single_face.mp4", "--no-window")
    said = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments), "--limit", "2"],
        cwd=made.ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert said.stdout.splitlines()[-1] == "['openvino']", said.stderr


# --- precision ------------------------------------------------------------------------------------------


def test_bfloat16_is_near_enough_or_not_there(frozen_model):
    if has_bfloat16():
        generator = Generator(frozen_model, "openvino", "bfloat16")
        assert generator.engine.endswith(", bfloat16")
        difference = np.abs(faces(generator) - faces(Generator(frozen_model, "openvino"))).mean()
        assert 0 < difference < NEAR_ENOUGH
    else:
        with pytest.raises(UserError, match="expected --precision float32, got bfloat16"):
            Generator(frozen_model, "openvino", "bfloat16")


@pytest.mark.skipif(not has_bfloat16(), reason="there is nothing to choose from")
def test_the_precision_is_measured_once(frozen_model, cache):
    first = Generator(frozen_model, "openvino", AUTO)
    (notes,) = [path for path in kept(cache) if path.name == "notes.json"]
    content = json.loads(notes.read_text())
    ((key, known),) = content.items()
    assert known["precision"] == first.engine.split(", ")[-1]
    assert set(known["measured"]) == {"float32", "bfloat16"}
    other = ({"float32", "bfloat16"} - {known["precision"]}).pop()
    notes.write_text(json.dumps({key: known | {"precision": other}}))
    assert Generator(frozen_model, "openvino", AUTO).engine.endswith(
        f", {other}"
    )  # it was not measured again


# --- the cache ------------------------------------------------------------------------------------------


def test_a_converted_graph_is_kept_by_its_content(frozen_model, cache, tmp_path):
    first = faces(Generator(frozen_model, "openvino"))
    made_first = {path: path.stat().st_mtime_ns for path in kept(cache)}
    assert {path.name for path in made_first} == {"model.xml", "model.bin"}
    elsewhere = shutil.copy(frozen_model, tmp_path / "copy.pb")
    assert np.array_equal(faces(Generator(elsewhere, "openvino")), first)
    assert {path: path.stat().st_mtime_ns for path in kept(cache)} == made_first
    changed = V1.GraphDef.FromString(frozen_model.read_bytes())
    changed.node.add(name="more", op="NoOp")
    frozen.write(changed, tmp_path / "changed.pb")
    Generator(tmp_path / "changed.pb", "openvino")
    assert len(kept(cache)) == 4


def test_without_a_cache_everything_still_works(frozen_model, tmp_path, monkeypatch):
    expected = faces(Generator(frozen_model, "openvino"))
    (tmp_path / "a file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "a file"))
    assert np.array_equal(faces(Generator(frozen_model, "openvino")), expected)
    assert Generator(frozen_model, "openvino", AUTO).engine.startswith("OpenVINO ")


# --- what falls back ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def of_2017(tmp_path_factory) -> Path:
    """A graph with what the 2017 demo's have: resized by area, batch statistics, dropout, `lrelu` by hand."""
    with tf.Graph().as_default() as graph:
        image = V1.placeholder(tf.uint8, (SIZE, 2 * SIZE, 3), "image_tensor")
        picture = tf.image.convert_image_dtype(image, tf.float32)
        picture = picture[:, : tf.shape(picture)[1] // 2] * 2 - 1
        picture = V1.image.resize_area(picture[None], (SIZE, SIZE))
        padded = tf.pad(picture, [[0, 0], [1, 1], [1, 1], [0, 0]])
        x = V1.nn.conv2d(padded, np.full((4, 4, 3, 8), 0.1, np.float32), [1, 2, 2, 1], "VALID")
        x = 0.6 * x + 0.4 * tf.abs(x)
        mean, variance = V1.nn.moments(x, axes=[0, 1, 2], keep_dims=False)
        x = tf.nn.batch_normalization(x, mean, variance, np.zeros(8, "f"), np.ones(8, "f"), 1e-5)
        x = V1.nn.dropout(x, keep_prob=0.5)
        x = tf.nn.relu(tf.concat([x, x], axis=3))
        weights = np.full((4, 4, 3, 16), 0.05, np.float32)
        x = V1.nn.conv2d_transpose(x, weights, [1, SIZE, SIZE, 3], [1, 2, 2, 1], "SAME")
        face = (tf.tanh(x) + 1) / 2
        with tf.name_scope("generate_output/"):
            tf.image.convert_image_dtype(face, tf.uint8, saturate=True, name="output")
    path = tmp_path_factory.mktemp("2017") / "frozen_model.pb"
    frozen.write(graph.as_graph_def(), path)
    return path


def test_a_graph_that_openvino_cannot_run_falls_back_with_one_line(of_2017, capfd):
    generator = Generator(of_2017, AUTO)
    warning, *rest = capfd.readouterr().err.splitlines()
    assert warning.startswith("warning: openvino cannot run ") and "going on with TensorFlow" in warning
    assert not rest and generator.engine.startswith("TensorFlow ")
    face = generator(sample_drawings(generator.target, 1)[0])
    assert face.shape == (SIZE, SIZE, 3) and face.std() > 0


def test_an_engine_that_was_asked_for_does_not_fall_back(of_2017):
    with pytest.raises(UserError, match=r"expected a frozen graph .*\(openvino: "):
        Generator(of_2017, "openvino")


def test_without_openvino_tensorflow_runs_it(frozen_model, monkeypatch, capfd):
    monkeypatch.setitem(sys.modules, "openvino", None)  # as if it were not installed
    assert Generator(frozen_model).engine.startswith("TensorFlow ")
    assert "openvino cannot be imported" in capfd.readouterr().err


def test_tensorflow_reads_no_ir(frozen_model, tmp_path):
    import openvino

    openvino.save_model(loading.openvino_core().read_model(frozen_model), tmp_path / "model.xml")
    with pytest.raises(UserError, match=r"tensorflow: it reads no \.xml"):
        Generator(tmp_path / "model.xml", "tensorflow")
    assert Generator(tmp_path / "model.xml").engine.startswith("OpenVINO ")


# --- names -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path, name",
    [
        ("models/woman.pb", "woman"),
        ("anna/frozen_model.pb", "anna"),
        ("anna/frozen_model_int8.xml", "anna"),
    ],
)
def test_a_model_is_called_by_what_tells_it_from_others(path, name):
    assert model_name(Path(path)) == name


@pytest.mark.skipif(sys.platform == "win32", reason="sends a POSIX signal")
def test_a_signal_after_models_were_closed_is_handled(frozen_model):
    """OpenVINO gives each model a stack for signals; a stack that is gone ends the process."""
    code = (
        "import gc, os, signal, time\nfrom pathlib import Path\n"
        "from face2face.face.eyes import EyeDetector\n"
        "from face2face.generator.generator import Generator\n"
        f"path = Path({str(frozen_model)!r})\n"
        "models = [Generator(path, 'openvino'), EyeDetector(), Generator(path, 'openvino')]\n"
        "while models:\n    del models[0]\n    gc.collect()\n"
        "try: os.kill(os.getpid(), signal.SIGINT); time.sleep(9)\n"
        "except KeyboardInterrupt: print('interrupted')"
    )
    process = made.start([sys.executable, "-c", code], cwd=made.ROOT, stdout=subprocess.PIPE, text=True)
    said, _ = process.communicate(timeout=60)
    assert (process.returncode, said) == (0, "interrupted\n")
