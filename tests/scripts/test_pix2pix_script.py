import re
import resource
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import tensorflow as tf

from face2face import metrics, pictures
from face2face.face.drawing import draw
from pix2pix import options, pix2pix
from tests import made

SIZE = made.SMALL.image_size
KINDS = ("inputs", "outputs", "targets")

RUN_EXPORTED = """
import sys
import tensorflow as tf

paint = tf.saved_model.load(sys.argv[1]).signatures["serving_default"]
for source, destination in zip(sys.argv[2::2], sys.argv[3::2]):
    tf.io.write_file(destination, paint(tf.io.read_file(source))["png"])
assert not [name for name in sys.modules if name.split(".")[0] in ("face2face", "pix2pix")]
"""


@pytest.fixture(scope="module")
def tested(model, pairs) -> Path:
    """The folder of a test mode's report."""
    report = model.with_name("report")
    assert test_mode(model, pairs, report) == 0
    return report


@pytest.fixture(scope="module")
def drawings(pairs) -> Path:
    """The left halves of the pairs, alone."""
    folder = pairs.with_name("drawings")
    folder.mkdir()
    for path in pairs.glob("*.png"):
        pictures.write(folder / path.name, pictures.read(path)[:, :SIZE])
    return folder


def test_mode(model: Path, input_dir: Path, output_dir: Path, *arguments) -> int:
    return made.edge(
        *(pix2pix.main, "--mode", "test", "--checkpoint", model),
        *("--input_dir", input_dir, "--output_dir", output_dir, *arguments),
    )


test_mode.__test__ = False


def error_of(capsys, *arguments) -> str:
    """The one line of a command that has to end with exit code 2."""
    assert made.edge(pix2pix.main, *arguments) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ") and error.count("\n") == 1
    return error


def sources(page: Path) -> set[str]:
    return set(re.findall(r'<img src="([^"]+)"', page.read_text()))


# --- test -----------------------------------------------------------------------------------------------


def test_a_test_writes_three_pictures_of_each_pair_and_a_page(tested, pairs):
    expected = {f"images/{i}-{kind}.png" for i in (1, 2, 3) for kind in KINDS}
    assert {str(path.relative_to(tested)) for path in (tested / "images").iterdir()} == expected
    assert sources(tested / "index.html") == expected
    pair = pictures.read(pairs / "2.png")
    assert np.array_equal(pictures.read(tested / "images/2-inputs.png"), pair[:, :SIZE])
    assert np.array_equal(pictures.read(tested / "images/2-targets.png"), pair[:, SIZE:])


def test_a_test_says_the_means_of_its_pictures(model, pairs, tmp_path, capsys):
    assert test_mode(model, pairs, tmp_path) == 0
    measured = [
        metrics.compare(*(pictures.read(tmp_path / f"images/{i}-{kind}.png") for kind in KINDS[1:]))
        for i in (1, 2, 3)
    ]
    said = capsys.readouterr().out
    checkpoint, mean, page = said.splitlines()
    assert checkpoint == f"weights of {model}/ckpt-1" and page == f"wrote {tmp_path / 'index.html'}"
    assert mean == f"mean over 3 images: {metrics.mean(measured)}"


def test_a_test_paints_the_same_again(tested, model, pairs, tmp_path):
    test_mode(model, pairs, tmp_path)
    for path in (tested / "images").iterdir():
        assert path.read_bytes() == (tmp_path / "images" / path.name).read_bytes()


def test_single_drawings_have_outputs_but_no_targets(tested, model, drawings, tmp_path, capsys):
    assert test_mode(model, drawings, tmp_path, "--unpaired") == 0
    expected = {f"images/{i}-{kind}.png" for i in (1, 2, 3) for kind in KINDS[:2]}
    assert sources(tmp_path / "index.html") == expected
    for name in expected:
        assert np.array_equal(pictures.read(tmp_path / name), pictures.read(tested / name))
    assert "mean over" not in capsys.readouterr().out


def test_single_pictures_of_another_size_are_cut_and_scaled(model, tmp_path):
    (tmp_path / "in").mkdir()
    pictures.write(tmp_path / "in" / "wide.png", made.noise(2 * SIZE, 3 * SIZE))
    assert test_mode(model, tmp_path / "in", tmp_path / "out", "--unpaired") == 0
    assert pictures.read(tmp_path / "out/images/wide-outputs.png").shape == (SIZE, SIZE, 3)


def test_pictures_as_jpeg(tested, model, pairs, tmp_path):
    assert test_mode(model, pairs, tmp_path, "--output_filetype", "jpeg") == 0
    expected = {f"images/{i}-{kind}.jpeg" for i in (1, 2, 3) for kind in KINDS}
    assert sources(tmp_path / "index.html") == expected
    path = tmp_path / "images/1-targets.jpeg"
    assert path.read_bytes()[:2] == b"\xff\xd8"
    assert (
        np.abs(pictures.read(path).astype(int) - pictures.read(tested / "images/1-targets.png")).mean() < 10
    )


def test_a_model_trained_the_other_way_round_reads_the_right_half(pairs, tmp_path):
    model = made.training_folder(tmp_path / "model", replace(made.SMALL, which_direction="BtoA"))
    assert test_mode(model, pairs, tmp_path / "report") == 0
    pair = pictures.read(pairs / "1.png")
    assert np.array_equal(pictures.read(tmp_path / "report/images/1-inputs.png"), pair[:, SIZE:])
    assert np.array_equal(pictures.read(tmp_path / "report/images/1-targets.png"), pair[:, :SIZE])


# --- export ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def exported(model) -> Path:
    folder = model.with_name("exported")
    arguments = ["--mode", "export", "--checkpoint", model, "--output_dir", folder]
    assert made.edge(pix2pix.main, *arguments) == 0
    return folder


def test_an_export_runs_by_nothing_but_tensorflow(exported, tested, drawings, tmp_path):
    """It paints what test mode paints, also from a drawing of another size."""
    large = tmp_path / "large.png"
    pictures.write(large, draw(made.points(4 * SIZE, seed=0), 4 * SIZE))
    (tmp_path / "run.py").write_text(RUN_EXPORTED)
    files = [drawings / "1.png", tmp_path / "face.png", large, tmp_path / "of-large.png"]
    command = [sys.executable, "run.py", exported, *files]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert result.returncode == 0, result.stderr
    expected = pictures.read(tested / "images/1-outputs.png").astype(int)
    assert np.abs(pictures.read(tmp_path / "face.png") - expected).max() <= 1
    of_large = pictures.read(tmp_path / "of-large.png")
    assert of_large.shape == (SIZE, SIZE, 3)
    assert np.abs(of_large - expected).mean() < 20
    assert np.std(expected) > 20


def test_an_export_returns_jpeg_on_request(model, tested, drawings, tmp_path, capsys):
    arguments = ["--mode", "export", "--checkpoint", model, "--output_dir", tmp_path / "out"]
    assert made.edge(pix2pix.main, *arguments, "--output_filetype", "jpeg") == 0
    assert "a SavedModel, PNG in, JPEG out" in capsys.readouterr().out
    generate = tf.saved_model.load(str(tmp_path / "out")).signatures["serving_default"]
    jpeg = generate(png=tf.constant((drawings / "1.png").read_bytes()))["jpeg"].numpy()
    assert jpeg[:3] == b"\xff\xd8\xff"
    expected = pictures.read(tested / "images/1-outputs.png").astype(int)
    assert np.abs(tf.io.decode_jpeg(jpeg).numpy() - expected).mean() < 8


def test_an_export_replaces_an_older_one_and_nothing_else(exported, model):
    arguments = ["--mode", "export", "--checkpoint", model, "--output_dir", exported]
    before = (exported / "saved_model.pb").stat().st_mtime_ns
    (exported / "notes.txt").write_text("notes")
    (exported / "variables" / "notes.txt").write_text("notes")
    assert made.edge(pix2pix.main, *arguments) == 0
    assert (exported / "saved_model.pb").stat().st_mtime_ns > before
    assert options.read(exported, options.EXPORTED) == options.read(model, options.TRAINING)
    assert (exported / "notes.txt").read_text() == "notes"
    assert (exported / "variables" / "notes.txt").read_text() == "notes"


@pytest.mark.parametrize("place", ["model", "."], ids=["itself", "a folder above"])
@pytest.mark.parametrize("mode", ["export", "test"])
def test_a_training_is_never_overwritten(model, pairs, mode, place, tmp_path, capsys):
    shutil.copytree(model, tmp_path / "model")
    before = made.tree(tmp_path)
    arguments = ["--mode", mode, "--checkpoint", tmp_path / "model", "--output_dir", tmp_path / place]
    error = error_of(capsys, *arguments, *(("--input_dir", pairs) if mode == "test" else ()))
    assert "--output_dir" in error and "--checkpoint" in error
    assert made.tree(tmp_path) == before


@pytest.mark.parametrize(
    "name",
    ["saved_model.pb", "fingerprint.pb", "options.json", "variables/variables.index", "saved_model.pb/a"],
)
def test_other_files_are_not_replaced_by_an_export(model, name, tmp_path, capsys):
    """Nor another's SavedModel: an options.json tells ours."""
    path = tmp_path / "out" / name
    path.parent.mkdir(parents=True)
    path.write_text("notes")
    before = made.tree(tmp_path)
    error = error_of(capsys, "--mode", "export", "--checkpoint", model, "--output_dir", tmp_path / "out")
    assert str(tmp_path / "out") in error
    assert made.tree(tmp_path) == before


def test_a_full_disk_leaves_no_export(model, tmp_path, capsys):
    """Instead of it, a limit to the size of files."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4000, before[1]))
    try:
        arguments = ["--mode", "export", "--checkpoint", model, "--output_dir", tmp_path / "out"]
        error = error_of(capsys, *arguments)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert f"error: cannot write {tmp_path / 'out'}: " in error and "File too large" in error
    assert not list(tmp_path.iterdir())


# --- what a report may replace --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["index.html", "index.html/a", "images/2-outputs.png", "images/2-outputs.png/a", "images"]
)
def test_other_files_are_not_replaced_by_a_report(model, pairs, name, tmp_path, capsys):
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("<p>notes</p>")
    before = made.tree(tmp_path)
    assert test_mode(model, pairs, tmp_path) == 2
    *_, error = capsys.readouterr().err.splitlines()
    assert error.startswith("error: ") and str(tmp_path) in error
    assert made.tree(tmp_path) == before


def test_a_report_of_an_older_version_is_replaced(tested, model, pairs, tmp_path):
    """Neither its pictures nor its page are marked, but the page shows the pictures."""
    folder = shutil.copytree(tested, tmp_path / "report")
    page = (folder / "index.html").read_text()
    (folder / "index.html").write_text(page.replace('<meta name="generator" content="face2face">', ""))
    for path in (folder / "images").iterdir():
        cv2.imwrite(str(path), made.noise(8, 8))
    assert test_mode(model, pairs, folder) == 0
    assert made.tree(folder) == made.tree(tested)


def test_two_pictures_of_one_name_are_named(model, pairs, tmp_path, capsys):
    folder = shutil.copytree(pairs, tmp_path / "pairs")
    pictures.write(folder / "1.jpg", pictures.read(folder / "1.png"))
    assert test_mode(model, folder, tmp_path / "report") == 2
    assert "expected one image named 1, got two: " in capsys.readouterr().err
    assert not (tmp_path / "report").exists()


def test_a_folder_of_drawings_is_no_folder_of_pairs(model, drawings, tmp_path, capsys):
    assert test_mode(model, drawings, tmp_path / "report") == 2
    *warnings, error = capsys.readouterr().err.splitlines()
    assert len(warnings) == 3 and error.startswith("error: expected combined pairs (of process.py), got none")


def test_it_runs_from_inside_pix2pix(model, drawings, tmp_path):
    result = made.run_script(
        *("pix2pix.py", "--mode", "test", "--unpaired", "--checkpoint", model),
        *("--input_dir", drawings, "--output_dir", tmp_path),
        cwd=made.ROOT / "pix2pix",
    )
    assert result.returncode == 0 and result.stdout.endswith(f"wrote {tmp_path / 'index.html'}\n")
