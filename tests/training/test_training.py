"""What a training is made of: its end, its jitter, and what a signal does to it."""

import errno
import json
import os
import signal
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

import freeze_model
import reduce_model
from face2face import cli, files, pictures
from face2face.cli import UserError
from face2face.generator.generator import Generator
from face2face.target import sidecar, target_file
from pix2pix import options, pix2pix, training
from pix2pix.interruption import Interruption
from tests import made


def test_it_needs_an_end(tmp_path):
    pairs = made.write_pairs(tmp_path / "pairs", 2)
    with pytest.raises(UserError, match="expected --max_epochs or --max_steps, got neither"):
        training.train(replace(made.SMALL, max_steps=None), pairs, tmp_path / "model")
    assert not (tmp_path / "model").exists()


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["--val_dir", "pairs", "--val_freq", 0], "expected --val_freq above 0 with --val_dir, got 0"),
        (["--histograms", "--summary_freq", 0], "expected --summary_freq above 0 with --histograms, got 0"),
    ],
)
def test_an_option_that_would_do_nothing_is_refused(arguments, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    made.write_pairs(tmp_path / "pairs", 2)
    command = ("--mode", "train", "--input_dir", "pairs", "--output_dir", "model", "--max_steps", 1)
    assert made.edge(pix2pix.main, *command, *arguments) == 2
    assert capsys.readouterr().err == f"error: {message}\n"
    assert not (tmp_path / "model").exists()


def test_pairs_from_elsewhere_are_taken_for_the_originals(tmp_path):
    """But a training of an older version, which took them for its own white drawings, goes on as it was."""
    assert training.drawing_without_sidecar(tmp_path / "new") == "original"
    options.write(tmp_path, replace(made.SMALL, drawing="white"), options.TRAINING)
    assert training.drawing_without_sidecar(tmp_path) == "white"
    drawing = training.drawing_without_sidecar(tmp_path)
    assert training.resume_options(replace(made.SMALL, drawing=drawing), tmp_path).drawing == "white"


@pytest.mark.parametrize("name, value", [("statistics", options.MOVING), ("light_head", False)])
def test_a_training_of_an_older_version_goes_on_with_its_networks(name, value, tmp_path):
    saved = replace(made.SMALL, **{name: value})
    options.write(tmp_path, saved, options.TRAINING)
    assert training.resume_options(made.SMALL, tmp_path) == saved


@pytest.mark.parametrize(
    "changed, expected",
    [
        ({}, 4.0),
        ({"face_weight": 2.0}, 2.0),
        ({"which_direction": "BtoA"}, 0.0),
        ({"lab_colorization": True}, 0.0),
    ],
)
def test_pixels_weigh_more_where_drawn_landmarks_are_read(changed, expected, tmp_path):
    pairs, opts = made.write_pairs(tmp_path, 2), replace(made.SMALL, **changed)
    paths, found = sorted(pairs.glob("*.png")), sidecar.read_sidecar(pairs)
    assert training.resolve_face_weight(opts, paths, found) == expected


def test_a_face_weight_without_landmarks_is_told(tmp_path, capsys):
    paths = sorted(made.write_pairs(tmp_path, 2).glob("*.png"))
    for given, is_told in ((replace(made.SMALL, face_weight=2.0), True), (made.SMALL, False)):
        assert training.resolve_face_weight(given, paths, sidecar.Sidecar([])) == 0
        assert ("--face_weight has no effect" in capsys.readouterr().err) == is_told


def test_points_are_redrawn_where_each_pair_has_them(tmp_path):
    pairs = made.write_pairs(tmp_path, 2)
    for jitter in (options.REDRAW, options.CROP):
        found = training.resolve_jitter(made.SMALL, sorted(pairs.glob("*.png")), sidecar.read_sidecar(pairs))
        assert found == jitter
        pictures.write(pairs / "extra.png", made.noise(64, 128))


def test_redrawing_needs_the_landmarks_of_each_pair(tmp_path):
    pairs = made.write_pairs(tmp_path / "pairs", 2)
    pictures.write(pairs / "extra.png", made.noise(64, 128))
    with pytest.raises(
        UserError, match=r"--jitter redraw needs the landmarks of each pair, got none of .*extra"
    ):
        training.train(replace(made.SMALL, jitter="redraw"), pairs, tmp_path / "model")


@pytest.mark.parametrize("other", [{"aspect_ratio": 2.0}, {"lab_colorization": True}], ids=["aspect", "lab"])
def test_what_redrawing_cannot_do_is_cropped(tmp_path, other):
    pairs = made.write_pairs(tmp_path / "pairs", 2)
    opts = replace(made.SMALL, **other)
    found = sidecar.read_sidecar(pairs)
    assert training.resolve_jitter(opts, sorted(pairs.glob("*.png")), found) == "crop"
    assert training.resolve_jitter(made.SMALL, sorted(pairs.glob("*.png")), found) == "redraw"


@pytest.mark.parametrize("scale_size, warnings", [(71, 0), (80, 1)])
def test_a_scale_without_effect_is_told(tmp_path, capsys, scale_size, warnings):
    pairs = made.write_pairs(tmp_path / "pairs", 2)
    opts, paths = replace(made.SMALL, scale_size=scale_size), sorted(pairs.glob("*.png"))
    for jitter in ("auto", "crop"):
        training.resolve_jitter(replace(opts, jitter=jitter), paths, sidecar.read_sidecar(pairs))
    assert capsys.readouterr().err.count("--scale_size has no effect: ") == warnings


def test_squeezed_pairs_keep_the_style_of_their_drawings(tmp_path):
    """No face is measured on them, but the frozen graph has to know what drawings it reads."""
    pairs = made.write_pairs(tmp_path / "pairs", 2)
    for path in pairs.glob("*.png"):
        pictures.write(path, made.noise(64, 192))  # halves of 96x64
    described = replace(sidecar.read_sidecar(pairs), drawing="colour")
    described.write(pairs)
    opts = replace(made.SMALL, image_size=32, scale_size=36, aspect_ratio=1.5, max_steps=1)
    training.train(opts, pairs, tmp_path / "model")
    reduce_model.reduce(tmp_path / "model", tmp_path / "reduced")
    frozen = Generator(freeze_model.freeze(tmp_path / "reduced"))
    for target in (target_file.read_target(tmp_path / "model"), frozen.target):
        assert (target.drawing, target.face, target.image_size) == ("colour", None, 32)
        assert [video["frames"] for video in target.videos] == [[0, 1]]


def ended(number: int, _) -> None:
    raise SystemExit(int(number))


@pytest.fixture
def handler():
    """A handler of all signals that end a training, which this process has for the time of a test."""
    before = {number: signal.signal(number, ended) for number in cli.ENDING_SIGNALS}
    yield ended
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", cli.ENDING_SIGNALS)
def test_a_signal_waits_for_the_end_of_what_is_done_and_is_handed_on(number, handler, capfd):
    with Interruption() as interruption:
        assert not interruption.is_requested
        os.kill(os.getpid(), number)
        assert interruption.is_requested
        os.kill(os.getpid(), signal.SIGINT)  # a second one does not tear it either
    assert capfd.readouterr().err == "stopping: the training is being saved; interrupt again to end at once\n"
    assert signal.getsignal(number) == handler
    with pytest.raises(SystemExit) as raised:
        interruption.reraise()
    assert raised.value.code == number


def test_a_second_signal_tears_nothing_where_nobody_reads_what_is_said():
    code = (
        "import os, signal\nfrom pix2pix.interruption import Interruption\n"
        "with Interruption():\n    for _ in range(2): os.kill(os.getpid(), signal.SIGINT)\n"
        "    print('saved')"
    )
    streams = {name: subprocess.PIPE for name in ("stdout", "stderr")}
    with made.start([sys.executable, "-c", code], cwd=made.ROOT, text=True, **streams) as process:
        process.stderr.close()
        assert process.stdout.read() == "saved\n" and process.wait(timeout=30) == 0


def test_signals_that_the_parent_ignores_stay_ignored(handler):
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup does
    with Interruption() as interruption:
        os.kill(os.getpid(), signal.SIGHUP)
        assert not interruption.is_requested
    assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN


@pytest.mark.parametrize("number", [errno.EPIPE, errno.EIO])
def test_what_nobody_reads_is_an_interruption(number):
    shown = []

    def show(text: str) -> None:
        shown.append(text)
        raise OSError(number, os.strerror(number))

    with Interruption() as interruption:
        interruption.call(show, "a")
        assert interruption.is_requested
        interruption.call(show, "b")
    assert shown == ["a"]  # nothing more is printed
    with pytest.raises(BrokenPipeError):
        interruption.reraise()


def test_other_errors_of_printing_are_raised():
    def show() -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(OSError, match="No space left"), Interruption() as interruption:
        interruption.call(show)
    assert not interruption.is_requested


# --- points that are no face's --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "points", [[[20.0, 20.0]] * 68, [[1e5, 1e5]] * 68, [[1e300, 0]] * 68, [["NaN", 1]] * 68, [[0, 0]] * 67]
)
def test_points_that_are_no_faces_are_named(points, tmp_path):
    pairs = made.write_pairs(tmp_path / "pairs", 2)
    path = pairs / sidecar.SIDECAR_NAME
    content = json.loads(path.read_text())
    content["images"]["2.png"]["points"] = points
    path.write_text(json.dumps(content).replace('"NaN"', "NaN"))
    before = made.tree(tmp_path)
    with pytest.raises(UserError, match=r"landmarks\.json") as raised:
        training.train(made.SMALL, pairs, tmp_path / "model")
    assert "\n" not in str(raised.value)
    assert made.tree(tmp_path) == before


def test_points_that_nothing_can_be_measured_on_are_named(tmp_path):
    """Else the target.json that a training writes would be refused when the model is reduced."""
    pairs = made.write_pairs(tmp_path / "pairs", 2)
    found = sidecar.read_sidecar(pairs)
    points = [[9e4 - 2 * i, (-1) ** i * 9e4] for i in range(68)]
    entry = replace(found.images["2.png"], points=np.array(points, np.float32))
    replace(found, images=found.images | {"2.png": entry}).write(pairs)
    before = made.tree(tmp_path)
    with pytest.raises(UserError, match=r"expected the landmarks of one face, got others: .*landmarks\.json"):
        training.train(made.SMALL, pairs, tmp_path / "model")
    assert made.tree(tmp_path) == before


def test_the_target_is_the_same_whatever_size_its_pairs_are_of(tmp_path):
    """And of the pairs that are there: what was deleted from the folder does not count."""
    pairs = made.write_pairs(tmp_path / "pairs", 9, 2 * made.SMALL.image_size)
    (pairs / "9.png").unlink()
    training.train(replace(made.SMALL, max_steps=1), pairs, tmp_path / "model")
    target = target_file.read_target(tmp_path / "model")
    assert target.videos[0]["frames"] == list(range(8))
    small = sidecar.read_sidecar(made.write_pairs(tmp_path / "small", 8))
    expected = target_file.Target.measure(small, made.SMALL.image_size).face
    assert np.abs(target.face.neutral - expected.neutral).max() < 1


@pytest.mark.parametrize(
    "name, changes",
    [
        *(("history.csv", {}), ("validation.json", {}), ("best", {})),
        *(("index.html", {"display_freq": 1}), ("images", {"display_freq": 1})),
    ],
)
def test_what_would_end_a_training_later_is_told_before_the_first_step(name, changes, tmp_path, capsys):
    pairs, val = (made.write_pairs(tmp_path / each, 2) for each in ("train", "val"))
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / name).write_text("mine")
    with pytest.raises(UserError, match=r"expected a (new file|folder's name)"):
        training.train(replace(made.SMALL, **changes), pairs, tmp_path / "model", val_dir=val)
    assert made.tree(tmp_path / "model").keys() == {name} and "steps" not in capsys.readouterr().out


@pytest.mark.skipif(sys.platform == "win32", reason="it has no such locks")
def test_two_trainings_do_not_write_to_one_folder(tmp_path):
    pairs = made.write_pairs(tmp_path / "pairs", 2)
    (tmp_path / "model").mkdir()
    with (
        files.only_writer(tmp_path / "model", "--output_dir"),
        pytest.raises(UserError, match="expected --output_dir that no other program writes to"),
    ):
        training.train(made.SMALL, pairs, tmp_path / "model")
    assert not list((tmp_path / "model").iterdir())


def test_another_target_json_is_not_replaced(tmp_path):
    pairs = made.write_pairs(tmp_path / "pairs", 2)
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / target_file.TARGET_NAME).write_text("notes")
    with pytest.raises(UserError, match="expected a new file, or an older one of this kind to replace"):
        training.train(made.SMALL, pairs, tmp_path / "model")
    assert (tmp_path / "model" / target_file.TARGET_NAME).read_text() == "notes"
