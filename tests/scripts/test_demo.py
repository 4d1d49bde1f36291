import contextlib
import importlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from examples import demo
from examples.demo import Stage
from face2face import metadata, pictures
from face2face.cli import UserError
from tests import made

CLIPS = Path("clips")

STEP = """
import pathlib, sys
with open("log", "a") as log:
    log.write(sys.argv[1] + " ")
stop = pathlib.Path("stop")
if stop.exists() and stop.read_text().split()[0] == sys.argv[1]:
    sys.exit(int(stop.read_text().split()[1]))
pathlib.Path(sys.argv[1]).touch()
"""
"""A script that writes down that it ran, and ends with the exit code that a file asks for."""


@pytest.fixture
def small_demo(tmp_path, monkeypatch, clips) -> Path:
    """The demo with two short steps; its recordings are there already. Returns its folder."""
    monkeypatch.setattr(demo, "ROOT", tmp_path)
    monkeypatch.setattr(demo, "DEMO", tmp_path / "demo")
    steps = (Stage("1 first", "step.py a\nstep.py b", "b"), Stage("2 second", "step.py c", "c"))
    monkeypatch.setattr(demo, "STAGES", steps)
    (tmp_path / "step.py").write_text(STEP)
    for name in ("face2face.mp4", "drawings.mp4"):  # folders: a source as good as a file
        record(tmp_path / "demo" / name, [0] * 12)
    return tmp_path / "demo"


def record(folder: Path, levels: list[int], side: int = 8) -> Path:
    """Frames whose left half has a level, and whose right half has 100 more."""
    folder.mkdir(parents=True)
    for i, level in enumerate(levels, 1):
        frame = np.full((side, 2 * side, 3), level, np.uint8)
        frame[:, side:] += 100
        pictures.write(folder / f"{i}.png", frame)
    return folder


def ran(folder: Path) -> str:
    return (folder / "log").read_text()


def lines(stage: Stage) -> list[list[str]]:
    return demo.command_lines(stage, CLIPS)


# --- the commands ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("stage", demo.STAGES, ids=lambda stage: stage.name)
def test_the_scripts_accept_the_demos_commands(stage):
    for script, *arguments in lines(stage):
        assert (made.ROOT / script).is_file()
        module = importlib.import_module(script.removesuffix(".py").replace("/", "."))
        module.parse_args(arguments)


def test_paths_of_the_clips_are_filled_in():
    words = [word for stage in demo.STAGES for line in lines(stage) for word in line]
    assert f"clips/{demo.TARGET}" in words and f"clips/{demo.DRIVER}" in words
    assert not [word for word in words if "{" in word]


def test_clips_in_a_folder_with_spaces():
    stage = Stage("1", "run.py --source {driver}", "")
    assert demo.command_lines(stage, Path("my clips")) == [["run.py", "--source", f"my clips/{demo.DRIVER}"]]


def test_each_step_is_known_to_be_done_by_a_result_of_its_own():
    results = [stage.result for stage in demo.STAGES]
    assert len(set(results)) == len(results)


# --- running them ---------------------------------------------------------------------------------------


def test_the_steps_run_once(small_demo, capfd):
    demo.run_all()
    assert ran(small_demo) == "a b c "
    assert "--- 1 first\n$ python step.py a\n$ python step.py b\n" in capfd.readouterr().out
    demo.run_all()
    assert ran(small_demo) == "a b c "
    assert "1 first: done already\n2 second: done already\n" in capfd.readouterr().out


def test_a_demo_that_was_stopped_goes_on(small_demo):
    (small_demo / "stop").write_text("b 130")
    with pytest.raises(KeyboardInterrupt):
        demo.run_all()
    assert ran(small_demo) == "a b "
    (small_demo / "stop").unlink()
    demo.run_all()
    assert ran(small_demo) == "a b a b c "


def test_a_step_that_fails_is_named(small_demo):
    (small_demo / "stop").write_text("c 2")
    with pytest.raises(UserError, match=r"step\.py ended with exit code 2; `make demo` goes on from there"):
        demo.run_all()
    assert not (small_demo / "contact-sheet.png").exists()


def test_a_step_whose_result_is_gone_runs_again(small_demo):
    demo.run_all()
    (small_demo / "c").unlink()
    demo.run_all()
    assert ran(small_demo) == "a b c c "


def test_it_ends_with_a_table_of_times(small_demo, capsys):
    (small_demo / "stages.json").write_text(json.dumps({"1 first": 61.9, "3 third (stopped)": 5}))
    (small_demo / "b").touch()
    demo.run_all()
    said = capsys.readouterr().out
    table = said[said.index("stage ") :].splitlines()
    rows = {
        line[:28].strip(): line[28:].strip() for line in table if not line.startswith(("stage", "the", "con"))
    }
    assert rows["1 first"] == "1:01" and rows["3 third (stopped)"] == "0:05"
    assert set(rows) >= {"0 fetch the clips", "2 second", "all"}
    assert "the target's face, driven: demo/face2face.mp4" in table
    assert "contact sheet: demo/contact-sheet.png" in table and "test report: demo/report/index.html" in table


# --- Ctrl-C -----------------------------------------------------------------------------------------------

DEMO = f"""
import sys
sys.path.insert(0, {str(made.ROOT)!r})
from pathlib import Path
from examples import demo
from face2face import cli

demo.ROOT, demo.DEMO = Path.cwd(), Path.cwd() / "demo"
demo.STAGES = (demo.Stage("1 training", f"train.py {{sys.argv[1]}}", "saved"),)
demo.samples.fetch = Path
cli.run(demo.run_all)
"""
TRAINING = f"""
import sys
sys.path.insert(0, {str(made.ROOT)!r})
import time
from pathlib import Path
from face2face import cli
from pix2pix.interruption import Interruption

def train():
    with Interruption() as interruption:
        print("training", flush=True)
        while not interruption.is_requested:
            time.sleep(0.01)
        print("saving", flush=True)
        time.sleep(float(sys.argv[1]))
        Path("saved").touch()
    interruption.reraise()

cli.run(train)
"""
"""A script that heeds signals as a training does, and saves for some seconds."""


@pytest.fixture
def start_training(tmp_path):
    """Starts a demo whose script saves for some seconds; they are a process group, as in a terminal."""
    (tmp_path / "train.py").write_text(TRAINING)
    started = []

    def start(seconds: float) -> subprocess.Popen:
        command, pipe = [sys.executable, "-c", DEMO, str(seconds)], subprocess.PIPE
        options = {"cwd": tmp_path, "stdout": pipe, "stderr": pipe, "text": True}
        started.append(made.start(command, start_new_session=True, **options))
        assert "training\n" in started[-1].stdout
        return started[-1]

    yield start
    for running in started:
        with contextlib.suppress(ProcessLookupError):  # they have ended, but where the test failed
            os.killpg(running.pid, signal.SIGKILL)


posix = pytest.mark.skipif(sys.platform == "win32", reason="sends POSIX signals")


@posix
@pytest.mark.parametrize(
    "send, sent",
    [(os.killpg, signal.SIGINT), (os.kill, signal.SIGINT), (os.kill, signal.SIGTERM)],
    ids=["a terminal's Ctrl-C", "kill -INT", "kill"],
)
def test_at_ctrl_c_a_training_is_saved_however_long_it_takes(send, sent, start_training, tmp_path):
    """Whether the training gets the signal as well, or the demo alone."""
    running = start_training(1.0)
    send(running.pid, sent)
    _, errors = running.communicate(timeout=60)
    assert (tmp_path / "demo" / "saved").exists()
    assert running.returncode == 130 and errors.endswith("interrupted\n") and "Traceback" not in errors
    assert list(demo.Progress(tmp_path / "demo" / "stages.json").seconds)[1:] == ["1 training (stopped)"]


@posix
def test_two_signals_do_not_become_three(start_training, tmp_path):
    """As from a terminal that is closed. The third would end the training without saving it."""
    running = start_training(2.0)  # longer than the demo waits before it passes a signal on
    os.killpg(running.pid, signal.SIGINT)
    assert "saving\n" in running.stdout
    os.killpg(running.pid, signal.SIGTERM)
    _, errors = running.communicate(timeout=60)
    assert (tmp_path / "demo" / "saved").exists()
    assert running.returncode == 130 and errors.endswith("interrupted\n")


@posix
def test_two_ctrl_c_in_a_terminal_do_not_become_three(tmp_path):
    """However long after the first the second comes: the terminal sends both to the training as well."""
    import fcntl
    import termios

    def take_terminal() -> None:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    (tmp_path / "train.py").write_text(TRAINING)
    ours, theirs = os.openpty()
    running = subprocess.Popen(
        [sys.executable, "-c", DEMO, str(2.5 * demo.PASS_ON_SECONDS)],
        cwd=tmp_path,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        preexec_fn=take_terminal,
    )
    os.close(theirs)
    said = b""
    for expected, answer in ((b"2.5\r\ntraining\r\n", b"\x03"), (b"saving\r\n", b""), (b"interrupted", b"")):
        while expected not in said:
            print(said)
            said += os.read(ours, 1000)
        os.write(ours, answer)
        if expected.startswith(b"saving"):
            time.sleep(1.5 * demo.PASS_ON_SECONDS)  # the demo would have sent its own by now
            os.write(ours, b"\x03")
    running.wait(60)
    os.close(ours)
    assert (tmp_path / "demo" / "saved").exists() and running.returncode == 130


@posix
def test_another_ctrl_c_ends_even_what_saves_for_ever(start_training, tmp_path):
    running = start_training(10**6)
    os.killpg(running.pid, signal.SIGINT)
    said = running.stderr.readline()
    assert said == "stopping: the training is being saved; interrupt again to end at once\n"
    os.killpg(running.pid, signal.SIGINT)
    running.communicate(timeout=60)  # until no process can write any more
    assert running.returncode == 130 and not (tmp_path / "demo" / "saved").exists()


# --- times ----------------------------------------------------------------------------------------------


def test_times_are_kept(tmp_path):
    progress = demo.Progress(tmp_path / "stages.json")
    progress.add("a", 2.5, done=True)
    progress.add("b", 4.0, done=False)
    assert demo.Progress(tmp_path / "stages.json").seconds == {"a": 2.5, "b (stopped)": 4.0}


def test_times_of_a_step_that_is_resumed_add_up(tmp_path):
    for done in (False, False, True):
        demo.Progress(tmp_path / "stages.json").add("a", 2.0, done)
    assert demo.Progress(tmp_path / "stages.json").seconds == {"a (stopped)": 4.0, "a": 2.0}


@pytest.mark.parametrize("content", ["{", "[]", '{"a": "1"}', '{"a": -1}', '{"a": null}', "my notes"])
def test_another_file_in_the_place_of_the_times_is_refused(content, tmp_path):
    path = tmp_path / "stages.json"
    path.write_text(content)
    with pytest.raises(UserError, match=r"expected the times of the demo's steps, got .*stages\.json"):
        demo.Progress(path)
    assert path.read_text() == content


def test_a_foreign_contact_sheet_stays(small_demo):
    (small_demo / "contact-sheet.png").write_text("mine")
    with pytest.raises(UserError, match="expected a new file, or an older one of this kind to replace"):
        demo.run_all()
    assert (small_demo / "contact-sheet.png").read_text() == "mine"


# --- the contact sheet ----------------------------------------------------------------------------------


def test_the_contact_sheet_shows_moments_spread_over_the_recording(tmp_path):
    """12 moments of 23 frames: every second one, from the first to the last; two columns, line by line."""
    driven = record(tmp_path / "driven", list(range(0, 46, 2)))
    drawn = record(tmp_path / "drawn", list(range(50, 96, 2)))
    demo.write_contact_sheet(driven, drawn, tmp_path / "sheet.png")
    sheet = cv2.imread(str(tmp_path / "sheet.png"))
    side = demo.SHEET_SIDE
    assert sheet.shape == (6 * side, 2 * 3 * side, 3)
    cells = sheet[side // 2 :: side, side // 2 :: side, 0].astype(int).reshape(12, 3)
    moments = np.arange(12) * 4
    assert cells.tolist() == np.stack([moments, moments + 50, moments + 100], axis=1).tolist()
    assert metadata.SOURCE_TYPE.encode() in (tmp_path / "sheet.png").read_bytes()  # it is synthetic


def test_a_short_recording_fills_the_contact_sheet_too(tmp_path):
    driven, drawn = (record(tmp_path / name, [1, 2, 3]) for name in ("driven", "drawn"))
    demo.write_contact_sheet(driven, drawn, tmp_path / "sheet.png")
    assert cv2.imread(str(tmp_path / "sheet.png")).shape[0] == 6 * demo.SHEET_SIDE
