import json
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
from face2face import pictures
from face2face.generator.generator import Generator
from face2face.target import target_file
from pix2pix import checkpoints, networks, options
from tests import made

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
def reduced(trained) -> tuple[Path, str]:
    """The reduced folder, and what the script said."""
    folder = trained.with_name("face2face-reduced-model")
    result = made.run_script(
        "reduce_model.py", "--model-input", trained, "--model-output", folder, cwd=made.ROOT
    )
    assert (result.returncode, result.stderr) == (0, "")
    return folder, result.stdout


@pytest.fixture(scope="module")
def frozen_model(reduced) -> tuple[Path, str]:
    """The frozen graph, and what the script said."""
    result = made.run_script("freeze_model.py", "--model-folder", reduced[0])
    assert (result.returncode, result.stderr) == (0, "")
    return reduced[0] / "frozen_model.pb", result.stdout


def number(pattern: str, said: str) -> float:
    return float(re.search(pattern, said).group(1))


def error_of(capsys, main, *arguments) -> str:
    """The one line of a command that has to end with exit code 2."""
    capsys.readouterr()
    assert made.edge(main, *arguments) == 2
    said = capsys.readouterr()
    assert said.out == "" and said.err.startswith("error: ") and said.err.count("\n") == 1
    return said.err


def hidden(folder: Path) -> list[Path]:
    """What `files` would leave behind if it did not tidy up."""
    return [path for path in folder.iterdir() if path.name.startswith(".")]


# --- reduce ---------------------------------------------------------------------------------------------


def test_the_reduced_model_is_smaller_and_paints_the_same(trained, reduced):
    folder, said = reduced
    before = checkpoints.size_mb(checkpoints.newest_checkpoint(trained))
    after = checkpoints.size_mb(checkpoints.newest_checkpoint(folder))
    generator = networks.generator_of(options.read(folder, options.REDUCED), folded=True)
    assert after == pytest.approx(
        4e-6 * generator.count_params(), rel=0.1
    )  # float32 weights, and nothing else
    assert after < before / 2
    assert f"{before:.1f} MB before, {after:.1f} MB after, in {folder}" in said
    assert number(r"between the trained and the reduced generator: (\d+) of 255", said) <= 1


def test_a_model_is_reduced_again_by_the_default_names(trained, tmp_path, monkeypatch):
    shutil.copytree(trained, tmp_path / "face2face-model")
    monkeypatch.chdir(tmp_path)
    reduce_model.main([])
    state = Path("face2face-reduced-model", checkpoints.STATE)
    before = state.stat().st_mtime_ns
    reduce_model.main([])
    assert state.stat().st_mtime_ns > before


def test_the_reduced_folder_holds_the_generator_alone(trained, reduced):
    folder, _ = reduced
    import tensorflow as tf

    kept = [name for name, _ in tf.train.list_variables(checkpoints.newest_checkpoint(folder))]
    assert {name.split("/")[0] for name in kept} <= {
        "generator",
        "save_counter",
        "_CHECKPOINTABLE_OBJECT_GRAPH",
    }
    assert not [name for name in kept if "norm" in name or "moving" in name]
    assert options.read(folder, options.REDUCED) == options.read(trained, options.TRAINING)
    assert (folder / target_file.TARGET_NAME).read_bytes() == (trained / target_file.TARGET_NAME).read_bytes()


def test_a_second_reduction_replaces_the_first_and_nothing_else(trained, tmp_path, capsys):
    """Notes and a frozen graph in its folder stay."""
    output = tmp_path / "reduced"
    arguments = ["--model-input", trained, "--model-output", output]
    assert made.edge(reduce_model.main, *arguments) == 0
    (output / "notes").mkdir()
    (output / "notes" / "target.json").write_text("of the user's own")
    (output / "frozen_model.pb").write_text("of an older model")
    old = next(output.glob("generator-1.index"))
    old.rename(output / "generator-7.index")  # of an older checkpoint
    options.write(output, replace(made.SMALL, ngf=7), options.REDUCED)
    capsys.readouterr()
    assert made.edge(reduce_model.main, *arguments) == 0
    assert f"warning: {output}/frozen_model.pb is of an older model: run freeze_model.py again" in (
        capsys.readouterr().err
    )
    assert {path.name for path in output.iterdir()} == {
        *("checkpoint", "generator-1.index", "generator-1.data-00000-of-00001", "options.json"),
        *("target.json", "notes", "frozen_model.pb"),
    }
    assert (output / "notes" / "target.json").read_text() == "of the user's own"
    assert (output / "frozen_model.pb").read_text() == "of an older model"
    assert options.read(output, options.REDUCED).ngf == made.SMALL.ngf
    assert not hidden(tmp_path)


def test_a_training_of_foreign_pairs_is_compared_on_noise(tmp_path, capsys):
    folder = made.training_folder(tmp_path / "model", with_target=False)
    assert made.edge(reduce_model.main, "--model-input", folder, "--model-output", tmp_path / "reduced") == 0
    assert made.edge(freeze_model.main, "--model-folder", tmp_path / "reduced") == 0
    assert re.search(r"the reduced and the frozen model: [01] of 255", capsys.readouterr().out)
    assert not (tmp_path / "reduced" / target_file.TARGET_NAME).exists()
    assert Generator(tmp_path / "reduced" / "frozen_model.pb").target.face is None


@pytest.mark.parametrize("place", ["model", "link", ".", "linked-root"])
def test_the_training_is_never_overwritten(trained, place, tmp_path, capsys):
    """By itself, by a folder that holds it, or by a link to either."""
    root = tmp_path / "root"
    model = shutil.copytree(trained, root / "model")
    (root / "link").symlink_to(model)
    (root / "linked-root").symlink_to(root)
    before = made.tree(root)
    arguments = ["--model-input", model, "--model-output", root / place]
    assert "--model-output" in error_of(capsys, reduce_model.main, *arguments)
    assert made.tree(root) == before


def other_training(folder: Path) -> None:
    options.write(folder, made.SMALL, options.TRAINING)


def in_the_way(name: str, content: str | None = "notes"):
    """Makes what is in the place of one of a reduced model's files: a file, or a folder with one in it."""

    def make(folder: Path) -> None:
        place = folder / name if content else folder / name / "notes.txt"
        place.parent.mkdir(exist_ok=True)
        place.write_text(content or "notes")

    return make


@pytest.mark.parametrize(
    "make, message",
    [
        (other_training, "expected a reduced model, got a training one (run reduce_model.py first): "),
        (in_the_way("options.json", "{}"), "damaged, or not written by this trainer: "),
        (in_the_way("options.json", None), "expected a file's name to write to, got a folder: "),
        (in_the_way("checkpoint"), "expected a new file, or an older one of this kind to replace, got "),
        (in_the_way("checkpoint", None), "expected a file's name to write to, got a folder: "),
        (in_the_way("target.json", '{"mine": 1}'), "expected a new file, or an older one of this kind"),
        (in_the_way("generator-1.index"), "expected a new file, or an older one of this kind"),
    ],
)
def test_other_files_are_not_replaced_by_a_reduced_model(trained, make, message, tmp_path, capsys):
    output = tmp_path / "output"
    output.mkdir()
    make(output)
    before = made.tree(tmp_path)
    arguments = ["--model-input", trained, "--model-output", output]
    assert message in error_of(capsys, reduce_model.main, *arguments)
    assert made.tree(tmp_path) == before


def test_a_reduced_model_comes_beside_other_files(trained, tmp_path):
    pictures.write(tmp_path / "1.png", made.noise(8, 8))
    before = made.tree(tmp_path)
    assert made.edge(reduce_model.main, "--model-input", trained, "--model-output", tmp_path) == 0
    assert checkpoints.newest_checkpoint(tmp_path) and before.items() <= made.tree(tmp_path).items()


# --- freeze ---------------------------------------------------------------------------------------------


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
    assert known.to_json() == target_file.read_target(reduced[0]).to_json()
    assert json.loads(known.to_json())["face"]


def test_a_model_without_a_target_carries_the_drawing_of_its_training(reduced, tmp_path):
    """A driver's face has to be drawn as the training's faces were, also where there were no landmarks."""
    folder = shutil.copytree(reduced[0], tmp_path / "reduced")
    (folder / target_file.TARGET_NAME).unlink()
    (folder / "frozen_model.pb").unlink(missing_ok=True)
    trained_with = replace(options.read(folder, options.REDUCED), drawing="colour")
    options.write(folder, trained_with, options.REDUCED)
    assert made.edge(freeze_model.main, "--model-folder", folder) == 0
    target = Generator(folder / "frozen_model.pb").target
    assert (target.drawing, target.face) == ("colour", None)


def test_half_precision_halves_the_file(reduced, frozen_model, tmp_path, capsys):
    folder = shutil.copytree(reduced[0], tmp_path / "reduced")
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
    folder = shutil.copytree(reduced[0], tmp_path / "reduced")
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
    folder = shutil.copytree(reduced[0], tmp_path / "reduced")
    (folder / "frozen_model.pb").write_bytes(frozen_model[0].read_bytes())
    assert made.edge(freeze_model.main, "--model-folder", folder, "--half") == 0
    assert (folder / "frozen_model.pb").stat().st_size < frozen_model[0].stat().st_size


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
        shutil.copytree(reduced[0], folder)
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


# --- what a user can get wrong --------------------------------------------------------------------------


def test_an_unreduced_model_is_not_frozen(trained, capsys):
    error = error_of(capsys, freeze_model.main, "--model-folder", trained)
    assert f"expected a reduced model, got a training one (run reduce_model.py first): {trained}" in error
    assert not (trained / "frozen_model.pb").exists()


def test_a_reduced_model_is_not_reduced(reduced, tmp_path, capsys):
    error = error_of(
        capsys, reduce_model.main, "--model-input", reduced[0], "--model-output", tmp_path / "again"
    )
    assert f"expected a training model, got a reduced one (give the training folder): {reduced[0]}" in error
    assert not list(tmp_path.iterdir())


def test_a_wrong_folder_is_named(tmp_path, capsys):
    pictures.write(tmp_path / "1.png", made.noise(8, 8))
    output = tmp_path / "reduced"
    for folder, message in (
        (tmp_path, f"expected a training model's folder, got one without options.json: {tmp_path}"),
        (tmp_path / "no", f"expected a folder as a training model, not found: {tmp_path / 'no'}"),
        (tmp_path / "1.png", "expected a folder as a training model, got a file: "),
    ):
        arguments = ["--model-input", folder, "--model-output", output]
        assert message in error_of(capsys, reduce_model.main, *arguments)
    message = "expected a reduced model's folder, got one without options.json"
    assert message in error_of(capsys, freeze_model.main, "--model-folder", tmp_path)
    assert not output.exists() and not hidden(tmp_path)


@pytest.mark.parametrize("stage", [options.TRAINING, options.REDUCED])
def test_an_unknown_format_version_is_named(tmp_path, stage, capsys):
    options.write(tmp_path, made.SMALL, stage)
    path = tmp_path / options.FILE_NAME
    path.write_text(path.read_text().replace('"format_version": 1', '"format_version": 9'))
    message = f"{path}: expected format version 1, got 9"
    if stage == options.TRAINING:
        arguments = ["--model-input", tmp_path, "--model-output", tmp_path / "reduced"]
        assert message in error_of(capsys, reduce_model.main, *arguments)
    else:
        assert message in error_of(capsys, freeze_model.main, "--model-folder", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [options.FILE_NAME]


def test_damaged_weights_leave_nothing_behind(trained, tmp_path, capsys):
    folder = shutil.copytree(trained, tmp_path / "model")
    data = folder / "ckpt-1.data-00000-of-00001"
    data.write_bytes(data.read_bytes()[:1000])
    arguments = ["--model-input", folder, "--model-output", tmp_path / "reduced"]
    assert f"damaged, or of a network with other options: {folder}/ckpt-1" in error_of(
        capsys, reduce_model.main, *arguments
    )
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_a_damaged_reduced_model_keeps_the_frozen_graph_that_was_there(
    reduced, frozen_model, tmp_path, capsys
):
    folder = shutil.copytree(reduced[0], tmp_path / "reduced")
    before = frozen_model[0].read_bytes()
    (folder / "frozen_model.pb").write_bytes(before)
    (data,) = folder.glob("*.data-*")
    data.write_bytes(b"")
    assert "damaged" in error_of(capsys, freeze_model.main, "--model-folder", folder)
    assert (folder / "frozen_model.pb").read_bytes() == before
    assert not hidden(folder)


def test_a_damaged_target_is_named(trained, tmp_path, capsys):
    folder = shutil.copytree(trained, tmp_path / "model")
    (folder / target_file.TARGET_NAME).write_text("{")
    error = error_of(
        capsys, reduce_model.main, "--model-input", folder, "--model-output", tmp_path / "reduced"
    )
    assert f"expected a target.json of this project, got {folder / target_file.TARGET_NAME} (" in error
    assert not (tmp_path / "reduced").exists()


def test_a_training_that_has_saved_nothing_yet(tmp_path, capsys):
    options.write(tmp_path, made.SMALL, options.TRAINING)
    arguments = ["--model-input", tmp_path, "--model-output", tmp_path / "reduced"]
    assert f"expected a folder with a checkpoint, got none in {tmp_path}: train first" in error_of(
        capsys, reduce_model.main, *arguments
    )
