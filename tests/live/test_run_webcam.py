"""The driver's side on real clips: what is shown and recorded, how it ends, and what can go wrong."""

import contextlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

import run_webcam
from face2face import pictures
from face2face.face.landmarks import LandmarkDetector
from face2face.face.tracking import Tracker
from face2face.generator.generator import Generator
from face2face.live.loop import CONCURRENCY
from face2face.live.options import DrivingOptions
from face2face.live.painter import Painter
from face2face.live.pipeline import MAX_WAITING
from face2face.live.stats import STAGES
from face2face.sources.base import Frame
from face2face.sources.open import open_source
from pix2pix.tools import process
from tests import made
from tests.made import edge

SIZE = made.SMALL.image_size
SCRIPT = made.ROOT / "run_webcam.py"


@pytest.fixture(scope="module")
def clip(clips) -> Path:
    return clips / "single_face.mp4"


def drive(model, source, *arguments) -> int:
    return edge(run_webcam.main, "--tf-model", model, "--source", source, "--no-window", *arguments)


def played(path: Path) -> list[np.ndarray]:
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


@pytest.fixture
def painter():
    """Makes painters of one model or several, and closes them."""
    with contextlib.ExitStack() as stack:

        def make(*models: Path, smoothing: float = 0.0, **driving) -> Painter:
            generators = [Generator(model) for model in models]
            tracker = Tracker(LandmarkDetector(), smoothing)
            return stack.enter_context(Painter(tracker, generators, DrivingOptions(**driving)))

        yield make


def frames_of(clip: Path, numbers) -> list[Frame]:
    with open_source(str(clip)) as source:
        return list(source.frames(set(numbers)))


# --- training and serving -------------------------------------------------------------------------------


def test_the_webcam_draws_what_training_saw(painter, frozen_model, clip, tmp_path):
    """Whole frames through the tutorial's steps, against the same frames before the camera."""
    generated = made.run_script(
        *(made.ROOT / "generate_train_data.py", "--file", clip, "--num", 5, "--crop", "none"),
        *("--select", "spread", "--drawing", "white"),  # white is what the model knows
        cwd=tmp_path,
    )
    assert generated.returncode == 0, generated.stderr
    process.process(tmp_path / "landmarks", tmp_path / "resized", "resize", size=SIZE)
    numbers = [
        e["frame"] for e in json.loads((tmp_path / "landmarks/landmarks.json").read_text())["images"].values()
    ]
    live = painter(frozen_model, retarget=False)
    for frame in frames_of(clip, range(numbers[-1] + 1)):
        drawing = live(frame).drawing
        if frame.number in numbers:
            trained_on = pictures.read(tmp_path / "resized" / f"{numbers.index(frame.number) + 1}.png")
            difference = np.abs(drawing.astype(int) - trained_on)
            assert drawing.any()
            assert (difference > 16).mean() < 0.01  # the same points, but for a fraction of a pixel
            assert difference.mean() < 1


# --- what is shown --------------------------------------------------------------------------------------


def test_side_by_side_and_generated_are_the_same_face(frozen_model, clip, tmp_path):
    for view in ("side-by-side", "generated"):
        arguments = ("--record", tmp_path / view, "--record-view", view, "--limit", 4, "--retarget", "off")
        assert drive(frozen_model, clip, *arguments) == 0
    for i in range(1, 5):
        both = pictures.read(tmp_path / "side-by-side" / f"{i}.png")
        alone = pictures.read(tmp_path / "generated" / f"{i}.png")
        assert both.shape == (2 * SIZE, 4 * SIZE, 3) and alone.shape == (SIZE, SIZE, 3)
        enlarged = cv2.resize(alone, (2 * SIZE, 2 * SIZE), interpolation=cv2.INTER_CUBIC)
        assert np.array_equal(both[:, 2 * SIZE :], enlarged)


def test_the_preview_is_the_drivers_own_sharp_frame(frozen_model, clip, tmp_path):
    assert drive(frozen_model, clip, "--record", tmp_path / "out", "--limit", 1) == 0
    (frame,) = frames_of(clip, [0])
    square = frame.picture[:, 140:500, ::-1]
    expected = cv2.resize(square, (2 * SIZE, 2 * SIZE), interpolation=cv2.INTER_AREA)
    assert np.abs(pictures.read(tmp_path / "out/1.png")[:, : 2 * SIZE].astype(int) - expected).max() <= 1


def test_show_1_shows_the_drawing(painter, frozen_model, clip, tmp_path):
    arguments = ("--show", 1, "--retarget", "off", "--smoothing", 0, "--limit", 1)
    assert drive(frozen_model, clip, "--record", tmp_path / "out", *arguments) == 0
    left = pictures.read(tmp_path / "out/1.png")[:, : 2 * SIZE]
    (frame,) = frames_of(clip, [0])
    drawing = painter(frozen_model, retarget=False)(frame).drawing
    assert np.array_equal(left, cv2.resize(drawing, (2 * SIZE, 2 * SIZE), interpolation=cv2.INTER_CUBIC))


@pytest.mark.parametrize("no_face", ["hold", "passthrough", "blank"])
def test_without_a_face_the_last_one_is_held_and_then_replaced(painter, frozen_model, clip, no_face):
    (frame,) = frames_of(clip, [0])
    live = painter(frozen_model, no_face=no_face, hold_seconds=None if no_face == "hold" else 0.5)
    face = live(Frame(0, 0.0, frame.picture)).generated
    empty = np.full_like(frame.picture, 90)
    soon, late = (live(Frame(1, seconds, empty)) for seconds in (0.4, 0.6))
    assert (soon.state, late.state) == ("no face", "no face")
    assert face.any() and np.array_equal(soon.generated, face)
    expected = {"hold": face, "passthrough": np.full_like(face, 90), "blank": np.zeros_like(face)}[no_face]
    assert np.array_equal(late.generated, expected)


def test_a_still_face_gives_the_same_bytes(painter, frozen_model, clip):
    (frame,) = frames_of(clip, [0])
    live = painter(frozen_model, smoothing=0.5)
    # In the first seconds the face at rest is learned.
    faces = [live(Frame(i, i / 25, frame.picture)).generated for i in range(160)][100:]
    assert faces[0].any() and all(np.array_equal(face, faces[0]) for face in faces)


def test_the_driver_is_learned_in_the_first_second_and_again_when_asked(painter, frozen_model, clip):
    live = painter(frozen_model)
    states = [live(frame).state for frame in frames_of(clip, range(40))]
    assert states[0].startswith("calibrating") and states[-1] == ""
    live.driver.calibrate()
    (later,) = frames_of(clip, [41])
    assert live(later).state.startswith("calibrating")


def test_a_calibration_is_kept(painter, frozen_model, clip, tmp_path):
    file = tmp_path / "me.json"
    assert drive(frozen_model, clip, "--calibration", file, "--limit", 60) == 0
    kept = file.read_text()
    live = painter(frozen_model, calibration_file=file)
    (frame,) = frames_of(clip, [50])
    assert live(frame).state == ""
    assert file.read_text() == kept


def test_models_are_switched_from_one_frame_to_the_next(painter, frozen_model, clip, tmp_path):
    """Each draws as it was trained; the driver is not learned anew; pictures keep the largest one's size."""
    large = made.repeating_model(tmp_path / "large.pb", 2 * SIZE)
    (frame,) = frames_of(clip, [0])
    live = painter(frozen_model, large)

    def face(seconds: float) -> np.ndarray:
        return live(Frame(0, seconds, frame.picture)).generated

    first = [face(seconds) for seconds in np.arange(0, 8, 0.1)][-1]
    live.choose(1)
    drawn = face(8.0)
    expected = painter(large, retarget=False)(frame).drawing
    assert expected.any() and np.abs(drawn.astype(int) - expected).mean() < 1  # it looked near the last face
    live.choose(0)
    last = live(Frame(0, 8.1, frame.picture))
    assert np.array_equal(last.generated, first) and last.state == ""
    assert drawn.shape == first.shape == (2 * SIZE, 2 * SIZE, 3)
    live.choose(2)  # there is none
    assert np.array_equal(face(8.2), first)


# --- sources and ends -----------------------------------------------------------------------------------


def test_a_recording_and_statistics(frozen_model, clip, tmp_path, capsys):
    arguments = ("--record", tmp_path / "out.mp4", "--stats", tmp_path / "stats.json", "--limit", 20)
    assert drive(frozen_model, clip, *arguments) == 0
    stats = json.loads((tmp_path / "stats.json").read_text())
    assert (stats["frames"], stats["frames_with_face"]) == (20, 20)
    assert stats["fps"] > 0 and stats["stages"].keys() == set(STAGES) and stats["dropped"] == 0
    assert stats["latency"]["median_ms"] < 1.2 * (MAX_WAITING + CONCURRENCY) * 1000 / stats["fps"]
    for times in (stats["latency"], *stats["stages"].values()):
        assert 0 <= times["median_ms"] <= times["p95_ms"]
    frames = played(tmp_path / "out.mp4")
    assert len(frames) == 20 and frames[0].shape == (2 * SIZE, 4 * SIZE, 3)
    said = capsys.readouterr().out
    assert "20 frames, 20 with a face, " in said and f"wrote {tmp_path / 'out.mp4'}" in said


def test_a_part_of_a_clip(frozen_model, clip, tmp_path):
    arguments = ("--start", 1, "--end", 1.5, "--stats", tmp_path / "stats.json")
    assert drive(frozen_model, clip, *arguments) == 0
    assert json.loads((tmp_path / "stats.json").read_text())["frames"] == pytest.approx(12, abs=3)


def test_a_folder_of_images(frozen_model, clip, tmp_path):
    (tmp_path / "in").mkdir()
    for i, frame in enumerate(frames_of(clip, [0, 5, 10]), 1):
        cv2.imwrite(str(tmp_path / "in" / f"{i}.png"), frame.picture)
    assert drive(frozen_model, tmp_path / "in", "--record", tmp_path / "out") == 0
    assert len(list((tmp_path / "out").iterdir())) == 3


def test_a_machine_without_a_screen_goes_on(frozen_model, clip, tmp_path, monkeypatch, capsys):
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    arguments = ("--tf-model", frozen_model, "--source", clip, "--limit", 2, "--record", tmp_path / "out")
    assert edge(run_webcam.main, *arguments) == 0
    assert "no screen here: going on without a window" in capsys.readouterr().out
    assert len(list((tmp_path / "out").iterdir())) == 2


def test_a_graph_of_the_original_draws_the_driver_where_he_is(painter, clip, tmp_path, capsys):
    """It knows no target: retargeting is off, and that is said."""
    made.repeating_model(tmp_path / "original.pb", SIZE)
    arguments = ("--record", tmp_path / "out", "--record-view", "generated", "--limit", 1, "--smoothing", 0)
    assert drive(tmp_path / "original.pb", clip, *arguments) == 0
    assert "retargeting is off:" in capsys.readouterr().out
    (frame,) = frames_of(clip, [0])
    expected = painter(tmp_path / "original.pb", retarget=False)(frame).drawing
    assert expected.any() and np.array_equal(pictures.read(tmp_path / "out/1.png"), expected)


@pytest.mark.skipif(os.name == "nt", reason="Windows sends signals otherwise")
@pytest.mark.parametrize("number, code", [(signal.SIGINT, 130), (signal.SIGKILL, -signal.SIGKILL)])
def test_a_recording_plays_however_the_program_ends(frozen_model, clips, tmp_path, number, code):
    path = tmp_path / "out.mp4"
    command = [sys.executable, SCRIPT, "--tf-model", frozen_model, "--no-window", "--record", path]
    command += made.lasting_source(clips)
    running = made.start(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    made.until(lambda: running.poll() is not None or (path.is_file() and path.stat().st_size > 20_000))
    running.send_signal(number)
    _, errors = running.communicate(timeout=60)
    assert running.returncode == code and b"Traceback" not in errors
    assert 10 <= len(played(path)) < 470


# --- what can go wrong ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["--source", "77"], "camera 77 cannot be opened"),
        (["--source", "nowhere.mp4"], "expected a video file, a camera's number"),
        (["--tf-model", "nowhere.pb"], "the frozen model not found: nowhere.pb"),
        (["--tf-model", "{clip}"], "expected a frozen graph from image_tensor:0 to generate_output/output:0"),
        (["--tf-model", "."], "expected a file as the frozen model, got a folder: ."),
        (["--landmark-model", "{clip}"], "expected a 68-point landmark model of dlib's"),
        (["--record", "out.docx"], "expected a recording of .mp4"),
        (["--record", "{clip}/out.mp4"], "expected a folder's name to write to, got a file: "),
        (["--smoothing", "2"], "argument --smoothing: expected a number from 0 to 1, got '2'"),
        (["--limit", "0"], "argument --limit: expected a whole number above 0"),
        (["--tf-model", "{clip}"] * 10, "expected --tf-model at most 9 times, got 10"),
        (["--engine", "theano"], "argument --engine: invalid choice"),
        (["--precision", "float8"], "argument --precision: invalid choice"),
        (["--show", "4"], "argument --show: invalid choice: 4"),
        (["--start", "5", "--end", "4"], "expected --end after --start"),
    ],
)
def test_wrong_arguments(arguments, message, frozen_model, clip, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    given = [word.format(clip=clip) for word in arguments]
    model = [] if "--tf-model" in given else ["--tf-model", frozen_model]
    assert edge(run_webcam.main, *model, "--source", clip, "--no-window", *given) == 2
    *_, error = capsys.readouterr().err.splitlines()
    assert error.startswith("error: ") and message in error
    assert not list(tmp_path.iterdir())


def test_a_source_that_breaks_leaves_a_whole_recording(frozen_model, clip, tmp_path, capsys):
    (tmp_path / "in").mkdir()
    for i, frame in enumerate(frames_of(clip, range(8)), 1):
        cv2.imwrite(str(tmp_path / "in" / f"{i}.png"), frame.picture)
    (tmp_path / "in" / "6.png").write_text("no image")
    assert drive(frozen_model, tmp_path / "in", "--record", tmp_path / "out.mp4") == 2
    assert "6.png" in capsys.readouterr().err
    assert len(played(tmp_path / "out.mp4")) == 5


def test_a_damaged_calibration_is_named(frozen_model, clip, tmp_path, capsys):
    (tmp_path / "me.json").write_text("{")
    assert drive(frozen_model, clip, "--calibration", tmp_path / "me.json") == 2
    assert "me.json" in capsys.readouterr().err.splitlines()[-1]
