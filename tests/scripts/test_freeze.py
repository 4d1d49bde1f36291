"""freeze_model.py: the frozen graph and what it never replaces; and a full disk, for both scripts."""

import json
import os
import re
import resource
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import freeze_model
import reduce_model
from face2face.generator.generator import Generator
from face2face.target import target_file
from pix2pix import options
from tests import made
from tests.scripts.test_reduce import error_of, hidden, number

BARE = """
import sys, json
import numpy as np
import tensorflow as tf

graph = tf.compat.v1.GraphDef()
graph.ParseFromString(open(sys.argv[1], "rb").read())
tf.import_graph_def(graph, name="")
pair = np.load(sys.argv[2])
other = pair.copy()
other[:, pair.shape[0]:] = 77
with tf.compat.v1.Session() as session:
    paint = lambda drawing: session.run("generate_output/output:0", {"image_tensor:0": drawing})
    faces = [paint(pair), paint(pair), paint(other)]
    known = json.loads(session.run("face2face/target:0"))
assert faces[0].tobytes() == faces[1].tobytes(), "not deterministic"
assert faces[0].tobytes() == faces[2].tobytes(), "the right half is read"
ours = [name for name in sys.modules if name.split(".")[0] in ("face2face", "pix2pix")]
assert not ours, ours
np.save(sys.argv[3], faces[0])
print(known["image_size"], len(known["face"]["neutral"]))
"""
"""What somebody with nothing but TensorFlow and the two tensors' names would write."""


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Path:
    return made.training_folder(tmp_path_factory.mktemp("models") / "face2face-model")


@pytest.fixture(scope="module")
def reduced(trained) -> Path:
    folder = trained.with_name("face2face-reduced-model")
    reduce_model.reduce(trained, folder)
    return folder


@pytest.fixture(scope="module")
def frozen_model(reduced) -> tuple[Path, str]:
    """The frozen graph, and what the script said."""
    result = made.run_here(freeze_model.main, "--model-folder", reduced)
    assert (result.returncode, result.stderr) == (0, "")
    return reduced / "frozen_model.pb", result.stdout


def test_what_freezing_says(frozen_model):
    path, said = frozen_model
    assert f"wrote {path}: {path.stat().st_size / 1e6:.1f} MB\n" in said
    assert number(r"between the reduced and the frozen model: (\d+) of 255", said) <= 1
    assert number(r"^(\d+) operations: ", said) > 20 and re.search(r"\d+ Conv2D\b", said)
    assert not hidden(path.parent)


def test_the_frozen_graph_runs_by_nothing_but_tensorflow(frozen_model, reduced, tmp_path):
    path, _ = frozen_model
    drawing = made.noise(64, 64)
    np.save(tmp_path / "pair.npy", np.concatenate([drawing, np.zeros_like(drawing)], axis=1))
    (tmp_path / "bare.py").write_text(BARE)
    shutil.copy(path, tmp_path / "alone.pb")
    result = subprocess.run(
        [sys.executable, "bare.py", "alone.pb", "pair.npy", "face.npy"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout == "64 68\n"
    face = np.load(tmp_path / "face.npy")
    assert face.shape == (1, 64, 64, 3) and face.dtype == np.uint8
    assert np.array_equal(face[0], Generator(path)(drawing))
    assert np.std(face) > 20


def test_the_frozen_graph_carries_the_target(frozen_model, reduced):
    known = Generator(frozen_model[0]).target
    assert known.to_json() == target_file.read_target(reduced).to_json()
    assert json.loads(known.to_json())["face"]


def test_a_model_without_a_target_carries_the_drawing_of_its_training(reduced, tmp_path):
    """A driver's face has to be drawn as the training's faces were, also where there were no landmarks."""
    folder = shutil.copytree(reduced, tmp_path / "reduced")
    (folder / target_file.TARGET_NAME).unlink()
    (folder / "frozen_model.pb").unlink(missing_ok=True)
    trained_with = replace(options.read(folder, options.REDUCED), drawing="colour")
    options.write(folder, trained_with, options.REDUCED)
    assert made.edge(freeze_model.main, "--model-folder", folder) == 0
    target = Generator(folder / "frozen_model.pb").target
    assert (target.drawing, target.face) == ("colour", None)


def test_half_precision_halves_the_file(reduced, frozen_model, tmp_path, capsys):
    folder = shutil.copytree(reduced, tmp_path / "reduced")
    whole = frozen_model[0]
    assert made.edge(freeze_model.main, "--model-folder", folder, "--half") == 0
    half = folder / "frozen_model.pb"
    said = capsys.readouterr().out
    assert f"wrote {half}: {half.stat().st_size / 1e6:.1f} MB, weights as float16" in said
    assert number(r"the reduced and the frozen model: (\d+) of 255", said) <= 4
    assert half.stat().st_size < 0.65 * whole.stat().st_size  # small as it is, the graph itself weighs
    drawing = made.noise(64, 64)
    faces = [Generator(path)(drawing).astype(int) for path in (whole, half)]
    assert 0 < np.abs(faces[0] - faces[1]).max() <= 4


@pytest.mark.parametrize("name", ["frozen_model.pb", "frozen_model_int8.xml", "frozen_model_int8.bin"])
@pytest.mark.parametrize("kind", ["notes", "a folder", "another's graph"])
def test_other_files_are_not_replaced_by_a_frozen_graph(reduced, name, kind, tmp_path, capsys):
    folder = shutil.copytree(reduced, tmp_path / "reduced")
    (folder / "frozen_model.pb").unlink(missing_ok=True)
    if kind == "a folder":
        (folder / name).mkdir()
        (folder / name / "notes.txt").write_text("notes")
    elif kind == "notes":
        (folder / name).write_text("notes")
    else:
        made.repeating_model(folder / name, 64)
    before = made.tree(tmp_path)
    arguments = ["--model-folder", folder, *(["--int8"] if "int8" in name else [])]
    error = error_of(capsys, freeze_model.main, *arguments)
    assert str(folder / name) in error
    assert made.tree(tmp_path) == before


def test_a_frozen_graph_of_ours_is_replaced(frozen_model, reduced, tmp_path):
    folder = shutil.copytree(reduced, tmp_path / "reduced")
    (folder / "frozen_model.pb").write_bytes(frozen_model[0].read_bytes())
    assert made.edge(freeze_model.main, "--model-folder", folder, "--half") == 0
    assert (folder / "frozen_model.pb").stat().st_size < frozen_model[0].stat().st_size


def test_exports_of_an_older_model_are_told(reduced, tmp_path, capsys):
    folder = shutil.copytree(reduced, tmp_path / "reduced", ignore=shutil.ignore_patterns("frozen_model.*"))
    for name in ("frozen_model.onnx", "frozen_model_int8.xml", "frozen_model_notes.txt"):
        (folder / name).write_text("of an older model")
        os.utime(folder / name, (1e9, 1e9))
    (folder / "frozen_model.tflite").write_text("of this model, frozen a moment ago")
    freeze_model.freeze(folder)
    (warning,) = capsys.readouterr().err.splitlines()
    assert warning.startswith("warning: of an older model")
    assert warning.endswith(f"{folder / 'frozen_model.onnx'}, {folder / 'frozen_model_int8.xml'}")


def test_an_unreduced_model_is_not_frozen(trained, capsys):
    error = error_of(capsys, freeze_model.main, "--model-folder", trained)
    assert f"expected a reduced model, got a training one (run reduce_model.py first): {trained}" in error
    assert not (trained / "frozen_model.pb").exists()


def test_a_damaged_reduced_model_keeps_the_frozen_graph_that_was_there(
    reduced, frozen_model, tmp_path, capsys
):
    folder = shutil.copytree(reduced, tmp_path / "reduced")
    before = frozen_model[0].read_bytes()
    (folder / "frozen_model.pb").write_bytes(before)
    (data,) = folder.glob("*.data-*")
    data.write_bytes(b"")
    assert "damaged" in error_of(capsys, freeze_model.main, "--model-folder", folder)
    assert (folder / "frozen_model.pb").read_bytes() == before
    assert not hidden(folder)


def test_a_target_of_another_size_is_refused(trained, reduced, tmp_path, capsys):
    """Its drawings would not fit the generator."""
    expected = f"expected a target of {made.SMALL.image_size} pixels, as the generator's, got 128: "
    folders = [shutil.copytree(folder, tmp_path / folder.name) for folder in (reduced, trained)]
    for folder in folders:
        path = folder / "target.json"
        size = f'"image_size": {made.SMALL.image_size}'
        assert size in path.read_text()
        path.write_text(path.read_text().replace(size, '"image_size": 128'))
    assert expected in error_of(capsys, freeze_model.main, "--model-folder", folders[0])
    given = ("--model-input", folders[1], "--model-output", tmp_path / "new")
    assert expected in error_of(capsys, reduce_model.main, *given)
    assert not (tmp_path / "new").exists()


# --- a full disk ----------------------------------------------------------------------------------------


@pytest.fixture
def small_files():
    """Instead of a full disk, a limit to the size of files that this process writes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (4000, before[1]))
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("step", ["reduce", "reduce again", "freeze", "freeze again"])
def test_a_full_disk_costs_nothing(step, trained, reduced, frozen_model, small_files, tmp_path, capsys):
    folder = tmp_path / "reduced"
    if step != "reduce":
        shutil.copytree(reduced, folder)
        (folder / "frozen_model.pb").unlink(missing_ok=True)
    if step == "freeze again":
        shutil.copy(frozen_model[0], folder)
    before = made.tree(tmp_path)
    small_files()
    if "reduce" in step:
        error = error_of(capsys, reduce_model.main, "--model-input", trained, "--model-output", folder)
    else:
        error = error_of(capsys, freeze_model.main, "--model-folder", folder)
    assert "File too large" in error
    assert made.tree(tmp_path) == before
