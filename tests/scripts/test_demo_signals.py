"""Signals to `make demo`: the training that it runs is never killed while it saves."""

import contextlib
import os
import signal
import subprocess
import sys
import time

import pytest

from examples import demo
from tests import made

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
