"""Running process.py: again, in parallel, and with what a user can get wrong."""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from pix2pix import images
from pix2pix.tools import process
from tests import made
from tests.made import HEIGHT, WIDTH, run_script
from tests.test_process import processed, read


def everything(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def error_of(capsys, *arguments) -> str:
    """The one line, after those of progress, of a command that has to end with exit code 2."""
    assert made.edge(process.main, *arguments) == 2
    lines = capsys.readouterr().err.splitlines()
    (error,) = [line for line in lines if not line.startswith("processing: ")]
    assert error.startswith("error: ")
    return error


# --- again, and in parallel -----------------------------------------------------------------------------


def times(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns for path in folder.glob("*.png")}


def test_what_is_done_is_left_alone(photos, capsys):
    output = photos.with_name("small")
    arguments = ["--input_dir", photos, "--output_dir", output, "--operation", "resize", "--size", 32]
    assert made.edge(process.main, *arguments) == 0
    assert "resize: 6 images written" in capsys.readouterr().out
    before = times(output)
    (output / "4.png").unlink()
    assert made.edge(process.main, *arguments) == 0
    assert "resize: 1 images written" in capsys.readouterr().out
    after = times(output)
    assert after.keys() == before.keys()
    assert {name for name in after if after[name] != before[name]} == {"4.png"}


def test_a_changed_picture_is_done_again(photos):
    before = processed(photos, "grayscale")
    images.write(photos / "2.png", made.noise(HEIGHT, WIDTH, seed=50))
    later = photos.with_name("photos-grayscale").joinpath("2.png").stat().st_mtime + 10
    os.utime(photos / "2.png", (later, later))
    after = processed(photos, "grayscale")
    assert [name for name in after if not np.array_equal(after[name], before[name])] == ["2.png"]


def test_a_changed_right_half_is_combined_again(photos):
    shutil.copytree(photos, right := photos.with_name("right"))
    processed(photos, "combine", b_dir=right)
    images.write(right / "2.png", made.noise(HEIGHT, WIDTH, seed=50))
    later = photos.with_name("photos-combine").joinpath("2.png").stat().st_mtime + 10
    os.utime(right / "2.png", (later, later))
    after = processed(photos, "combine", b_dir=right)
    assert np.array_equal(after["2.png"][:, WIDTH:], images.read(right / "2.png"))


def test_parallel_equals_serial(photos):
    process.process(photos, photos.with_name("serial"), "edges", workers=1)
    process.process(photos, photos.with_name("parallel"), "edges", workers=4)
    serial, parallel = (read(photos.with_name(name)) for name in ("serial", "parallel"))
    assert serial.keys() == parallel.keys()
    assert all(np.array_equal(serial[name], parallel[name]) for name in serial)


def test_progress_is_shown(photos, capsys):
    processed(photos, "grayscale")
    assert "6/6 images" in capsys.readouterr().err


# --- what a user can get wrong --------------------------------------------------------------------------


def test_halves_of_different_sizes_are_named(photos, capsys):
    shutil.copytree(photos, right := photos.with_name("right"))
    images.write(right / "3.png", made.noise(50, 40))
    error = error_of(
        *(capsys, "--operation", "combine", "--input_dir", photos, "--b_dir", right),
        *("--output_dir", photos.with_name("pairs")),
    )
    assert "expected images of the same size to combine, got 96x72 and 40x50" in error
    assert str(photos / "3.png") in error and str(right / "3.png") in error


def test_a_missing_mate_is_named_and_nothing_is_written(photos, capsys):
    shutil.copytree(photos, right := photos.with_name("right"))
    (right / "5.png").unlink()
    pairs = photos.with_name("pairs")
    error = error_of(
        *(capsys, "--operation", "combine", "--input_dir", photos, "--b_dir", right, "--output_dir", pairs)
    )
    assert f"no image of the name 5 in {right}, to go with {photos / '5.png'}" in error
    assert not pairs.exists()


def test_combine_needs_the_right_halves(photos, capsys):
    error = error_of(
        *(capsys, "--operation", "combine", "--input_dir", photos, "--output_dir", photos.with_name("pairs"))
    )
    assert "combine needs --b_dir, the folder of the right halves" in error


def test_a_broken_picture_is_named(photos, capsys):
    (photos / "2.png").write_text("not an image")
    output = photos.with_name("grey")
    error = error_of(capsys, "--operation", "grayscale", "--input_dir", photos, "--output_dir", output)
    assert f"expected an image, got a file that cannot be decoded: {photos / '2.png'}" in error
    assert not (output / "2.png").exists()


def test_a_folder_without_pictures(tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    arguments = ["--operation", "blank", "--output_dir", tmp_path / "out", "--input_dir"]
    assert "expected images, got none in" in error_of(capsys, *arguments, tmp_path / "empty")
    assert "expected a folder as --input_dir, not found" in error_of(capsys, *arguments, tmp_path / "nowhere")
    assert not (tmp_path / "out").exists()


def test_pictures_are_not_written_over_their_sources(photos, capsys):
    before = everything(photos)
    error = error_of(capsys, "--input_dir", photos, "--output_dir", photos, "--operation", "blank")
    assert f"expected another folder as --output_dir than --input_dir, got {photos} twice" in error
    assert everything(photos) == before


def test_pictures_made_with_other_settings_are_not_mixed(photos, capsys):
    output = photos.with_name("small")
    arguments = ["--input_dir", photos, "--output_dir", output, "--operation", "resize", "--size"]
    assert made.edge(process.main, *arguments, 32) == 0
    capsys.readouterr()
    before = times(output)
    error = error_of(capsys, *arguments, 48)
    assert f"{output} holds images made with" in error and '"size": 32' in error
    assert times(output) == before


def test_a_damaged_note_of_the_settings_is_named(photos, capsys):
    output = photos.with_name("small")
    output.mkdir()
    (output / process.SETTINGS).write_text("{")
    error = error_of(capsys, "--input_dir", photos, "--output_dir", output, "--operation", "blank")
    assert f"{output} holds images made with {{: expected a new --output_dir" in error


def test_pictures_of_an_earlier_run_are_warned_of(photos, capsys):
    """Of a longer clip, whose further images would be combined and trained on."""
    processed(photos, "grayscale")
    for name in ("5.png", "6.png"):
        (photos / name).unlink()
    assert len(processed(photos, "grayscale")) == 6
    output = photos.with_name("photos-grayscale")
    assert f"warning: 2 images of {output} have none in {photos} and stay: 5.png" in capsys.readouterr().err


# --- as a script ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("root", [True, False], ids=["from the root", "from pix2pix"])
def test_it_runs_from_the_root_and_from_inside_pix2pix(photos, root):
    here = Path(process.__file__).parents[2 if root else 1]
    script = Path(process.__file__).relative_to(here)
    output = photos.with_name("grey")
    result = run_script(
        *(script, "--input_dir", photos, "--output_dir", output, "--operation", "grayscale"), cwd=here
    )
    assert (result.returncode, result.stdout) == (0, f"grayscale: 6 images written to {output}\n")
    assert len(read(output)) == 6
