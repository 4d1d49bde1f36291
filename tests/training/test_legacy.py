"""Training folders of the original trainer are reduced and frozen, and damaged ones are named."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

import freeze_model
import reduce_model
from face2face.generator.generator import Generator
from pix2pix import legacy, options
from tests import made
from tests.originals import difference_in, drawing


@pytest.fixture
def folder(original_of, tmp_path) -> Path:
    """A training folder of the original, to be damaged."""
    copy = shutil.copytree(original_of("layers")[0], tmp_path / "original")
    (copy / "checkpoint").write_text('model_checkpoint_path: "model-7"\n')  # not by its first place
    return copy


def reduced(folder: Path) -> tuple[int, Path]:
    """Exit code of the reduction, and its folder."""
    output = folder.with_name(f"{folder.name}-reduced")
    return made.edge(reduce_model.main, "--model-input", folder, "--model-output", output), output


@pytest.mark.parametrize("spelling, separable", [("layers", False), ("first", False), ("layers", True)])
def test_the_originals_generator_goes_on_painting(spelling, separable, original_of, capsys):
    original, expected = original_of(spelling, separable)
    code, folder = reduced(original)
    assert code == 0
    said = capsys.readouterr().out
    assert "normalised by its own statistics" in said
    assert difference_in(said) <= 1
    assert options.read(folder, options.REDUCED).statistics == options.INSTANCE
    painted = Generator(freeze_model.freeze(folder))(drawing())
    assert expected.std() > 20
    assert np.abs(painted.astype(int) - expected).max() <= 1


def test_our_own_trainings_are_not_taken_for_the_originals(tmp_path):
    options.write(tmp_path, made.SMALL, options.TRAINING)
    assert not legacy.is_of_original(tmp_path)
    assert not legacy.is_of_original(tmp_path / "nowhere")


def test_what_is_wrong_with_an_original_training_is_told(folder, capsys):
    path = folder / options.FILE_NAME
    content = json.loads(path.read_text())
    for change, message in (
        ({"ngf": 4}, "damaged, or not of the original trainer: "),
        ({"separable_conv": True}, "no generator/encoder_1 with separable_conv2d/depthwise_kernel"),
        ({"lab_colorization": True}, "expected a model that generates pictures, got one of --lab_"),
        ({"ngf": None}, f"{path}: damaged"),
        ({"ngf": "4"}, f"{path}: damaged"),
        ({"ngf": 10**9}, "expected --ngf as a whole number from 1 to 256, got 1000000000"),
        ({"separable_conv": 1}, "expected --separable_conv as true or false, got 1"),
        ({"which_direction": "up"}, "expected --which_direction as one of AtoB, BtoA, got"),
    ):
        path.write_text(json.dumps(content | change))
        code, output = reduced(folder)
        assert code == 2
        error = capsys.readouterr().err
        assert message in error and error.startswith("error: ") and error.count("\n") == 1
        assert not output.exists()


def test_a_list_of_other_files_is_refused(folder, tmp_path, capsys):
    (folder / "checkpoint").write_text('model_checkpoint_path: "../elsewhere/model-7"\n')
    before = made.tree(tmp_path)
    assert reduced(folder)[0] == 2
    error = capsys.readouterr().err
    assert f"expected a list of the checkpoints in {folder}, got ../elsewhere/model-7: " in error
    assert error.count("\n") == 1 and made.tree(tmp_path) == before


@pytest.mark.parametrize("content", ["", "{", "[]", "3", '{"mode": "train", "ngf": NaN}'])
def test_damaged_options_are_named(content, folder, tmp_path, capsys):
    (folder / options.FILE_NAME).write_text(content)
    before = made.tree(tmp_path)
    assert reduced(folder)[0] == 2
    error = capsys.readouterr().err
    assert str(folder / options.FILE_NAME) in error and error.count("\n") == 1
    assert made.tree(tmp_path) == before
