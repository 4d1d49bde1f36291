"""reduce_model.py: the reduced model, what it never replaces, and what a user can get wrong."""

import os
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

import freeze_model
import reduce_model
from face2face import pictures
from face2face.generator.generator import Generator
from face2face.target import target_file
from pix2pix import checkpoints, networks, options
from tests import made


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Path:
    return made.training_folder(tmp_path_factory.mktemp("models") / "face2face-model")


@pytest.fixture(scope="module")
def reduced(trained) -> tuple[Path, str]:
    """The reduced folder, and what the script said."""
    folder = trained.with_name("face2face-reduced-model")
    result = made.run_here(reduce_model.main, "--model-input", trained, "--model-output", folder)
    assert (result.returncode, result.stderr) == (0, "")
    return folder, result.stdout


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
    os.utime(output / "frozen_model.pb", (1e9, 1e9))
    old = next(output.glob("generator-1.index"))
    old.rename(output / "generator-7.index")  # of an older checkpoint
    options.write(output, replace(made.SMALL, ngf=7), options.REDUCED)
    capsys.readouterr()
    assert made.edge(reduce_model.main, *arguments) == 0
    warning = f"warning: of an older model, run freeze_model.py again: {output}/frozen_model.pb\n"
    assert warning in capsys.readouterr().err
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


# --- what a user can get wrong --------------------------------------------------------------------------


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
