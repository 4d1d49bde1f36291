"""freeze_model.py --int8. What quantises is tested where nncf is installed (requirements-int8.txt)."""

import importlib.util
import shutil
from pathlib import Path

import numpy as np
import pytest

import freeze_model
import reduce_model
from face2face import loading
from face2face.generator import quantisation
from face2face.generator.generator import Generator, sample_drawings
from tests import made

NAME = "frozen_model_int8.xml"

needs_nncf = pytest.mark.skipif(
    importlib.util.find_spec("nncf") is None, reason="needs nncf (requirements-int8.txt)"
)


@pytest.fixture
def reduced(frozen_model, tmp_path):
    """A reduced model's folder that knows its target, and has not been frozen."""
    folder = shutil.copytree(frozen_model.parent, tmp_path / "reduced")
    (folder / frozen_model.name).unlink()
    return folder


@pytest.fixture(scope="module")
def quantised(frozen_model, tmp_path_factory):
    """The script's output and folder, with the training pairs for calibration."""
    folder = tmp_path_factory.mktemp("int8") / "reduced"
    shutil.copytree(frozen_model.parent, folder)
    pairs = made.write_pairs(folder.parent / "pairs", 8)
    arguments = ("--model-folder", folder, "--int8", "--calibration", pairs)
    return made.run_script(made.ROOT / "freeze_model.py", *arguments), folder


@needs_nncf
def test_it_is_written_small_and_near(quantised, frozen_model):
    done, folder = quantised
    assert done.returncode == 0, done.stderr
    assert f"wrote {folder / NAME} and its .bin: " in done.stdout
    files = [folder / NAME, (folder / NAME).with_suffix(".bin")]
    assert sum(file.stat().st_size for file in files) < 0.75 * frozen_model.stat().st_size  # most is text
    exact, rounded = Generator(frozen_model), Generator(folder / NAME)
    drawings = sample_drawings(exact.target, 6)
    difference = np.mean([np.abs(exact(d).astype(int) - rounded(d)).mean() for d in drawings])
    assert 0 < difference < 2 * quantisation.MAX_DIFFERENCE
    assert "int8" in rounded.engine


def test_skips_read_what_the_encoder_reads_and_the_face_stays(frozen_model):
    core = loading.openvino_core()
    pair = np.random.default_rng(0).integers(0, 256, (64, 128, 3), np.uint8)

    def face(model) -> np.ndarray:
        return core.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})([pair])[0].astype(int)

    model = core.read_model(frozen_model)
    expected = face(model)
    assert quantisation.read_skips_rectified(model) == 5
    assert np.abs(face(model) - expected).max() <= 1 < expected.std()


@needs_nncf
def test_skips_read_what_is_rounded_already(quantised):
    _, folder = quantised
    model = loading.openvino_core().read_model(folder / NAME)
    leaky = [node for node in model.get_ordered_ops() if node.get_type_name() == "PRelu"]
    assert len(leaky) == 5
    for node in leaky:
        readers = node.output(0).get_target_inputs()
        assert {reader.get_node().get_type_name() for reader in readers} == {"FakeQuantize"}
        assert len({reader.get_node().get_friendly_name() for reader in readers}) == 1


@needs_nncf
def test_it_carries_the_targets_data(quantised, frozen_model):
    _, folder = quantised
    assert Generator(folder / NAME).target.to_json() == Generator(frozen_model).target.to_json()


@needs_nncf
def test_a_difference_that_is_too_large_is_refused_with_the_figure(frozen_model, tmp_path, monkeypatch):
    monkeypatch.setattr(quantisation, "MAX_DIFFERENCE", 0.001)
    drawings = sample_drawings(Generator(frozen_model).target, 4)
    with pytest.raises(
        quantisation.cli.UserError, match=r"within 0.001 of 255 .* got \d\.\d\d over 4 drawings"
    ):
        quantisation.quantise(frozen_model, drawings, tmp_path / NAME)
    assert not list(tmp_path.iterdir())


# --- what can go wrong, with nncf or without ------------------------------------------------------------


def test_without_nncf_one_line_says_what_to_install(reduced, monkeypatch, capsys):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)  # as if nothing were installed
    assert made.edge(freeze_model.main, "--model-folder", reduced, "--int8") == 2
    (error,) = capsys.readouterr().err.splitlines()
    assert error == "error: --int8 needs nncf: python -m pip install -r requirements-int8.txt"
    assert not (reduced / freeze_model.frozen_graph.FILE_NAME).exists()


def test_a_calibration_without_int8_is_a_mistake(reduced, capsys):
    assert made.edge(freeze_model.main, "--model-folder", reduced, "--calibration", reduced) == 2
    assert "--calibration is for --int8" in capsys.readouterr().err


def test_a_model_without_a_target_needs_a_calibration(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(quantisation, "check_installed", lambda: None)
    model = made.training_folder(tmp_path / "model", with_target=False)
    reduce_model.reduce(model, tmp_path / "reduced")
    assert made.edge(freeze_model.main, "--model-folder", tmp_path / "reduced", "--int8") == 2
    assert "expected --calibration FOLDER_OF_PAIRS with --int8" in capsys.readouterr().err


def test_a_calibration_that_is_not_there_is_named(reduced, capsys):
    arguments = ("--model-folder", reduced, "--int8", "--calibration", reduced / "nowhere")
    assert made.edge(freeze_model.main, *arguments) == 2
    assert "expected a folder as --calibration, not found" in capsys.readouterr().err


@needs_nncf
def test_a_smaller_model_takes_the_place_of_a_larger_one(quantised, tmp_path):
    _, folder = quantised
    graph = shutil.copy(folder / "frozen_model.pb", tmp_path)
    output = Path(shutil.copy(folder / NAME, tmp_path))
    output.with_suffix(".bin").write_bytes(b"of an older, larger model" * 1000)
    quantisation.quantise(Path(graph), sample_drawings(Generator(graph).target, 2), output)
    assert Generator(output).target.face is not None
