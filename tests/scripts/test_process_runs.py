"""Running process.py: again, in parallel, and as a script."""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from face2face import pictures
from pix2pix.tools import process
from tests import made
from tests.made import HEIGHT, WIDTH, run_script
from tests.scripts.test_process import processed, read


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


@pytest.mark.parametrize(
    "operation, option, needed",
    [
        ("grayscale", ["--size", 32], "resize"),
        ("canny", ["--pad"], "resize"),
        ("resize", ["--b_dir", "."], "combine"),
        ("combine", ["--b_dir", ".", "--size", 256], "resize"),
    ],
)
def test_an_option_of_another_operation_is_refused(photos, operation, option, needed, capsys):
    before = made.tree(photos.parent)
    folders = ["--input_dir", photos, "--output_dir", photos.with_name("out")]
    error = error_of(capsys, *folders, "--operation", operation, *option)
    name = "--size" if "--size" in option else option[0]
    assert error == f"error: expected {name} with --operation {needed}, got --operation {operation}"
    assert made.tree(photos.parent) == before


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
    pictures.write(photos / "2.png", made.noise(HEIGHT, WIDTH, seed=50))
    later = photos.with_name("photos-grayscale").joinpath("2.png").stat().st_mtime + 10
    os.utime(photos / "2.png", (later, later))
    after = processed(photos, "grayscale")
    assert [name for name in after if not np.array_equal(after[name], before[name])] == ["2.png"]


def test_a_changed_right_half_is_combined_again(photos):
    shutil.copytree(photos, right := photos.with_name("right"))
    processed(photos, "combine", b_dir=right)
    pictures.write(right / "2.png", made.noise(HEIGHT, WIDTH, seed=50))
    later = photos.with_name("photos-combine").joinpath("2.png").stat().st_mtime + 10
    os.utime(right / "2.png", (later, later))
    after = processed(photos, "combine", b_dir=right)
    assert np.array_equal(after["2.png"][:, WIDTH:], pictures.read(right / "2.png"))


def test_parallel_equals_serial(photos):
    process.process(photos, photos.with_name("serial"), "canny", workers=1)
    process.process(photos, photos.with_name("parallel"), "canny", workers=4)
    serial, parallel = (read(photos.with_name(name)) for name in ("serial", "parallel"))
    assert serial.keys() == parallel.keys()
    assert all(np.array_equal(serial[name], parallel[name]) for name in serial)


def test_progress_is_shown(photos, capsys):
    processed(photos, "grayscale")
    assert "6/6 images" in capsys.readouterr().err


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
