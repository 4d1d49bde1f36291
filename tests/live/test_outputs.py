"""Where a run's pictures go: recordings with sound, marks, labels, names."""

import contextlib
import math
import threading
import time
from pathlib import Path

import av
import numpy as np
import pytest

import run_webcam
from face2face import pictures
from face2face.cli import UserError
from face2face.face.landmarks import LandmarkDetector
from face2face.face.tracking import Tracker
from face2face.generator.generator import Generator
from face2face.live import loop
from face2face.live.driver import Driver
from face2face.live.options import DrivingOptions, OutputOptions
from face2face.live.outputs import open_presenter
from face2face.live.painter import Painter
from face2face.output import provenance
from face2face.output.recorder import Recorder
from face2face.output.recording_place import free_path
from face2face.sources.open import open_source
from face2face.sources.streams import LiveSource
from tests import made
from tests.live.test_server import ask
from tests.live.test_streams import Device
from tests.made import edge

SIZE = made.SMALL.image_size
LIMIT = 12


@pytest.fixture
def drive(frozen_model, clips, tmp_path, monkeypatch):
    """Runs run_webcam.py on half a second of a clip with sound, in its own folder; gives the exit code."""
    monkeypatch.chdir(tmp_path)
    # Two runs are compared: they must not differ where a busy machine finds less in the time that there is.
    monkeypatch.setattr(Driver.look_ahead, "__defaults__", (math.inf,))

    def run(*arguments, limit: int = LIMIT, start: float = 0.0) -> int:
        part = ("--start", start, "--end", start + 0.5)  # no more is looked through for the face at rest
        given = ("--tf-model", frozen_model, "--source", clips / "single_face.mp4", *part, "--limit", limit)
        return edge(run_webcam.main, *given, "--no-window", *arguments)

    return run


def length(path: Path, kind: str) -> float:
    """Seconds of a recording's pictures ("video") or sound ("audio")."""
    with av.open(str(path)) as container:
        frames = list(container.decode(**{kind: 0}))
    if kind == "audio":
        return sum(frame.samples / frame.sample_rate for frame in frames)
    return float(frames[-1].time - frames[0].time) + 1 / 24


def test_a_files_recording_has_its_sound(drive):
    assert drive("--record", "out.mp4", start=1) == 0
    assert length(Path("out.mp4"), "audio") == pytest.approx(length(Path("out.mp4"), "video"), abs=0.05)


@pytest.mark.parametrize("ending", [".gif", ".webm"])
def test_other_endings(drive, ending):
    assert drive("--record", f"out{ending}") == 0
    with av.open(f"out{ending}") as container:
        assert len(list(container.decode(video=0))) == LIMIT
        assert len(container.streams.audio) == (ending == ".webm")


def test_the_label_is_on_the_face_and_not_on_the_driver(drive):
    for folder, options in (("plain", ()), ("labelled", ("--label",))):
        assert drive("--record", folder, *options, limit=1) == 0
    plain, labelled = (pictures.read(Path(folder) / "1.png") for folder in ("plain", "labelled"))
    assert np.array_equal(plain[:, : 2 * SIZE], labelled[:, : 2 * SIZE])
    assert drive("--record", "face", "--record-view", "generated", limit=1) == 0
    face = provenance.label(pictures.read(Path("face/1.png")))
    assert drive("--record", "face-labelled", "--record-view", "generated", "--label", limit=1) == 0
    assert np.array_equal(pictures.read(Path("face-labelled/1.png")), face)


def test_a_mirror_is_for_the_eye_only(drive):
    for folder, options in (("plain", ()), ("mirrored", ("--mirror", "--serve", 0))):
        assert drive("--record", folder, *options, limit=1) == 0
    assert np.array_equal(pictures.read(Path("plain/1.png")), pictures.read(Path("mirrored/1.png")))


def test_the_overlay_is_the_driver_with_his_landmarks(drive):
    for folder, options in (("driver", (0,)), ("overlay", (2,)), ("alone", (3, "--serve", 0))):
        assert drive("--record", folder, "--show", *options, limit=1) == 0
    driver, overlay, alone = (pictures.read(Path(name) / "1.png") for name in ("driver", "overlay", "alone"))
    lines = (driver != overlay).any(axis=-1)
    assert 0.005 < lines[:, : 2 * SIZE].mean() < 0.2 and not lines[:, 2 * SIZE :].any()
    assert (overlay[lines] > 100).mean() > 0.5
    assert np.array_equal(alone, driver)  # the recording keeps its two pictures


# --- recordings by a key ----------------------------------------------------------------------


def test_a_recording_that_cannot_begin_is_a_notice(tmp_path, capsys):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").touch()
    recorder = Recorder(25.0, path=tmp_path / "out")
    recorder.toggle()
    assert recorder.path is None and "expected an empty folder to record to" in recorder.notice
    assert capsys.readouterr().err.startswith("warning: no recording: ")


def test_names_that_are_free(tmp_path):
    assert free_path(tmp_path / "a.mp4") == tmp_path / "a.mp4"
    for name in ("a.mp4", "a-2.mp4"):
        (tmp_path / name).touch()
    assert free_path(tmp_path / "a.mp4") == tmp_path / "a-3.mp4"


# --- sources that are gone ---------------------------------------------------------------------------------


def test_while_a_camera_is_gone_the_user_is_told_and_may_end(frozen_model, clips, capsys):
    """The page tells it; its button ends the program at once, though the source waits for the camera."""
    plugged_in = iter([True])

    def open_device():
        if not next(plugged_in, False):
            raise UserError("camera 0 cannot be opened")
        return Device(clips / "single_face.mp4")

    def end_when_told() -> None:
        made.until(lambda: "waiting for it" in presenter.state.message)
        told.append(time.monotonic())
        ask(presenter.page, "/command/end", "POST")

    told = []
    source = LiveSource("camera 0", open_device)
    with contextlib.ExitStack() as stack:
        stack.callback(source.close)
        tracker = Tracker(LandmarkDetector())
        painter = stack.enter_context(Painter(tracker, [Generator(frozen_model)], DrivingOptions()))
        options = OutputOptions(window=False, serve=0)
        presenter = open_presenter(stack, options, source, None, ["model"], painter)
        thread = threading.Thread(target=end_when_told)
        thread.start()
        loop.run(source, painter, presenter)
        assert time.monotonic() - told[0] < 3
        thread.join()
    assert painter.stats.frames > 0
    assert "warning: camera 0 sends no pictures: waiting for it" in capsys.readouterr().err


# --- models and arguments ---------------------------------------------------------------------------------


def test_without_a_model_the_tutorials_is_taken_and_then_a_shipped_one(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(run_webcam, "SHIPPED_MODELS", tmp_path / "models")
    assert edge(run_webcam.main, "--source", "nowhere.mp4") == 2
    (error,) = capsys.readouterr().err.splitlines()
    assert error.startswith("error: the frozen model not found: face2face-reduced-model")
    (tmp_path / "models").mkdir()
    for name in ("README.md", "small.pb"):
        (tmp_path / "models" / name).touch()
    assert run_webcam.default_model() == tmp_path / "models/small.pb"
    Path("face2face-reduced-model").mkdir()
    run_webcam.DEFAULT_MODEL.touch()
    assert run_webcam.default_model() == run_webcam.DEFAULT_MODEL


def test_the_shipped_model_moves_a_womans_face_at_once(clips, tmp_path):
    shipped = next(run_webcam.SHIPPED_MODELS.glob("*.pb"))
    assert shipped.stat().st_size <= 8e6
    arguments = ("--source", clips / "single_face.mp4", "--no-window", "--limit", 40)
    arguments += ("--record", "face.mp4", "--record-view", "generated", "--label")
    driven = made.run_script(made.ROOT / "run_webcam.py", *arguments, cwd=tmp_path)
    assert driven.returncode == 0, driven.stderr
    assert f"{shipped} runs on" in driven.stdout
    detector = LandmarkDetector()
    with open_source(str(tmp_path / "face.mp4")) as video:
        faces = [detector.find(frame.picture) for frame in video.frames()]
    assert len(faces) == 40 and all(faces)
    widths = [np.ptp(face.points[48:60, 0]) / np.ptp(face.points[:17, 0]) for face in faces]
    assert max(widths) > 1.15 * min(widths)  # he smiles, and so does she


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["--size", "600"], "argument --size: expected a size as 640x480, got '600'"),
        (["--size", "0x480"], "argument --size: expected a size"),
        (["--camera-size", "axb"], "argument --camera-size: expected a size"),
        (["--camera-fps", "0"], "argument --camera-fps: expected a number above 0, got '0'"),
        (["--camera-fps", "30"], "--camera-size and --camera-fps are for cameras, got "),
        (["--serve", "70000"], "argument --serve: expected a port from 0 to 65535, got '70000'"),
        (["--serve", "0", "--serve-host", "0.0.0.0"], "--serve-host 0.0.0.0 lets others in"),
        (
            ["--serve-token", "secret"],
            "--serve-host and --serve-token apply to the page: add --serve",
        ),
        (["--fullscreen"], "--fullscreen and --size apply to the window: remove --no-window"),
        (
            ["--microphone", "--record", "out.mp4"],
            "--microphone is for cameras and streams, got single_face.mp4",
        ),
        (["--source", "browser", "--start", "1"], "are not for --source browser"),
        (["--record", "out.docx"], "expected a recording of .mp4"),
    ],
)
def test_wrong_arguments(arguments, message, drive, capsys):
    assert drive(*arguments) == 2
    *_, error = capsys.readouterr().err.splitlines()
    assert error.startswith("error: ") and message in error
    assert not list(Path().iterdir())
