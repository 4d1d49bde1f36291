"""A training as a process of its own, that is interrupted and killed."""

import queue
import re
import signal
import subprocess
import sys
import threading
import time

import pytest

from pix2pix import options
from tests import made


class Training:
    """A training as a process of its own, whose progress can be waited for."""

    def __init__(self, *arguments):
        self._process = subprocess.Popen(
            [sys.executable, "pix2pix/pix2pix.py", *map(str, arguments)],
            cwd=made.ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._lines: queue.Queue = queue.Queue()
        self.errors: list[str] = []
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        for line in self._process.stderr:
            self._lines.put(line)
        self._lines.put(None)

    def wait_for_step(self, wanted: int) -> None:
        deadline = time.monotonic() + 120
        while (line := self._lines.get(timeout=deadline - time.monotonic())) is not None:
            self.errors.append(line)
            if (found := re.match(r"training: (\d+)/", line)) and int(found[1]) >= wanted:
                return
        raise AssertionError(f"ended before step {wanted}: {''.join(self.errors)}")

    def stop(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def end(self) -> tuple[int, str]:
        """Exit code and standard output."""
        code = self._process.wait(timeout=120)
        while (line := self._lines.get(timeout=10)) is not None:
            self.errors.append(line)
        return code, self._process.stdout.read()


@pytest.fixture(scope="module")
def stopped_twice(clips, tmp_path_factory) -> dict:
    """The same command four times, on real pairs: stopped by Ctrl-C, killed, not stopped, and once more."""
    folder = tmp_path_factory.mktemp("stopped")
    made.real_pairs(clips / "single_face.mp4", 4, folder)
    command = [
        *("--mode", "train", "--input_dir", folder / "photos/combined/train"),
        *("--output_dir", folder / "model", "--max_steps", 60, "--ngf", 2, "--ndf", 2, "--seed", 1),
        *("--save_freq", 5, "--progress_freq", 1, "--precision", "float32"),
    ]
    results = {"folder": folder / "model"}
    for name, number, step in (("interrupted", signal.SIGINT, 7), ("killed", signal.SIGKILL, 27)):
        training = Training(*command)
        training.wait_for_step(step)
        training.stop(number)
        results[name] = (*training.end(), training.errors)
    for name in ("finished", "again"):
        training = Training(*command)
        results[name] = (*training.end(), training.errors)
    return results


def test_ctrl_c_saves_and_exits_130(stopped_twice):
    code, said, errors = stopped_twice["interrupted"]
    assert code == 130
    assert errors[-1] == "interrupted\n" and not [line for line in errors if "Traceback" in line]
    (step,) = re.findall(rf"saved {stopped_twice['folder']}/ckpt-(\d+)\n", said)
    assert 7 <= int(step) < 60


def test_the_same_command_goes_on_from_there(stopped_twice):
    (step,) = re.findall(r"/ckpt-(\d+)\n", stopped_twice["interrupted"][1])
    assert stopped_twice["killed"][2][0].startswith(f"training: {step}/60 steps ")


def test_a_killed_training_goes_on_from_its_last_checkpoint(stopped_twice):
    code, _, errors = stopped_twice["killed"]
    assert code == -signal.SIGKILL
    last = int(re.match(r"training: (\d+)/", errors[-1])[1])
    code, said, _ = stopped_twice["finished"]
    (step,) = re.findall(rf"going on from {stopped_twice['folder']}/ckpt-(\d+)\n", said)
    assert code == 0
    assert int(step) % 5 == 0 and last - 10 <= int(step) <= last + 1


def test_a_finished_training_has_nothing_to_do(stopped_twice):
    code, said, errors = stopped_twice["again"]
    assert (code, errors) == (0, [])
    assert f"going on from {stopped_twice['folder']}/ckpt-60: trained to the end already\n" in said
    assert options.read(stopped_twice["folder"], options.TRAINING).max_steps == 60


def test_a_log_shows_epoch_losses_speed_and_time_to_go(stopped_twice):
    line = stopped_twice["finished"][2][-1]
    number = r"-?[\d.]+"
    losses = rf"discriminator {number}, gan {number}, l1 {number}"
    time_to_go = r"\[[\d:]+<[\d:]+, "
    assert re.match(
        rf"training: 60/60 steps {time_to_go}.*epoch 20, {losses}, {number} images/s", line.strip()
    ), line


def test_a_log_ends_with_networks_and_plan(stopped_twice):
    said = stopped_twice["finished"][1]
    assert re.match(r"generator \d\.\d M parameters, discriminator \d\.\d M\n", said)
    assert "\n3 pairs, 3 steps per epoch, 60 steps, seed 1\n" in said
