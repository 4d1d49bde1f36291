"""pix2pix.py: wrong arguments, options of another mode, and wrong models."""

import shutil
from dataclasses import fields

import pytest

from face2face.cli import UserError
from pix2pix import options, pix2pix
from tests import made
from tests.scripts.test_pix2pix_script import error_of, test_mode


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["--mode", "train"], "--mode train needs --input_dir"),
        (["--mode", "test"], "--mode test needs --input_dir"),
        (["--mode", "export"], "--mode export needs --checkpoint"),
        (
            ["--mode", "train", "--input_dir", "nowhere"],
            "expected a folder as --input_dir, not found: nowhere",
        ),
        (["--mode", "test", "--input_dir", "."], "--mode test needs --checkpoint"),
        (
            ["--mode", "test", "--input_dir", ".", "--checkpoint", "nowhere"],
            "expected a folder as a training model, not found: nowhere",
        ),
        (
            ["--mode", "train", "--input_dir", ".", "--checkpoint", "nowhere", "--max_steps", "1"],
            "expected a folder as --checkpoint, not found: nowhere",
        ),
        (
            ["--mode", "train", "--max_steps", "9" * 400],
            "argument --max_steps: expected a whole number from 0 to 1,000,000,000",
        ),
        (["--mode", "teach"], "argument --mode: invalid choice: 'teach'"),
    ],
)
def test_wrong_arguments(arguments, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert message in error_of(capsys, *arguments, "--output_dir", "out")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("mode", ["test", "export"])
@pytest.mark.parametrize(
    "option",
    [
        *(["--val_dir", "."], ["--preset", "quick"], ["--paper"], ["--ngf", "32"], ["--no_ema"]),
        *(["--flip"], ["--seed", "1"], ["--lr", "0.0002"], ["--which_direction", "AtoB"]),
    ],
    ids=lambda option: option[0],
)
def test_an_option_of_the_training_is_refused_in_other_modes(mode, option, model, pairs, tmp_path, capsys):
    """Also one that is given its default."""
    arguments = ["--mode", mode, "--checkpoint", model, "--output_dir", tmp_path / "out", *option]
    error = error_of(capsys, *arguments, *(("--input_dir", pairs) if mode == "test" else ()))
    assert error == f"error: expected {option[0]} with --mode train, got --mode {mode}\n"
    assert not list(tmp_path.iterdir())


def test_every_option_of_the_training_is_refused_in_an_export():
    """But for `--no_` of a switch, which its opposite stands for."""
    for option in fields(options.Options):
        if option.metadata["help"]:
            value = [] if isinstance(option.default, bool) else [valid_value(option)]
            parsed = pix2pix.parse_args(
                ["--mode", "export", "--checkpoint", "m", "--output_dir", "o", f"--{option.name}", *value]
            )
            with pytest.raises(UserError, match=f"expected --{option.name} with --mode train"):
                pix2pix.check_mode(parsed)


def valid_value(option) -> str:
    """A value that an option may have, as it is typed."""
    if option.metadata["choices"]:
        return str(option.metadata["choices"][0])
    return str(option.metadata["type"].high)


@pytest.mark.parametrize(
    "mode, option, modes",
    [
        ("train", ["--unpaired"], "test"),
        ("train", ["--output_filetype", "png"], "test or export"),
        ("train", ["--which", "best"], "test or export"),
        ("export", ["--unpaired"], "test"),
        ("export", ["--input_dir", "."], "train or test"),
        ("export", ["--aspect_ratio", "1"], "train or test"),
    ],
)
def test_an_option_of_another_mode_is_refused(mode, option, modes, model, tmp_path, capsys):
    folders = ["--input_dir", tmp_path] if mode == "train" else ["--checkpoint", model]
    error = error_of(capsys, "--mode", mode, "--output_dir", tmp_path / "out", *folders, *option)
    assert error == f"error: expected {option[0]} with --mode {modes}, got --mode {mode}\n"
    assert not list(tmp_path.iterdir())


def test_a_reduced_model_is_not_tested(pairs, tmp_path, capsys):
    options.write(tmp_path, made.SMALL, options.REDUCED)
    assert test_mode(tmp_path, pairs, tmp_path / "report") == 2
    assert "expected a training model, got a reduced one" in capsys.readouterr().err
    assert not (tmp_path / "report").exists()


def test_a_damaged_model_is_named(model, pairs, tmp_path, capsys):
    folder = shutil.copytree(model, tmp_path / "model")
    (folder / "ckpt-1.index").write_bytes(b"")
    for mode in ("test", "export"):
        arguments = ["--mode", mode, "--checkpoint", folder, "--output_dir", tmp_path / "out"]
        input_dir = ("--input_dir", pairs) if mode == "test" else ()
        assert "damaged" in error_of(capsys, *arguments, *input_dir)
    assert [path.name for path in tmp_path.iterdir()] == ["model"]
