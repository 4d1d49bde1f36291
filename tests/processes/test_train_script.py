"""A training as a process of its own, that is interrupted and killed."""

import fcntl
import itertools
import os
import queue
import re
import shutil
import signal
import subprocess
import sys
import termios
import threading
import time
from pathlib import Path

import pytest

from pix2pix import options, pix2pix
from pix2pix.checkpoints import Checkpoints
from pix2pix.trainer import Trainer
from tests import made


class Training:
    """A training as a process of its own, whose progress can be waited for."""

    def __init__(self, *arguments):
        self._process = made.start(
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
def stopped_twice(tmp_path_factory) -> dict:
    """The same command three times: stopped by Ctrl-C, killed, and, in this process, not stopped."""
    folder = tmp_path_factory.mktemp("stopped")
    made.write_pairs(folder / "val", 1)
    command = [
        *("--mode", "train", "--input_dir", made.write_pairs(folder / "train", 3)),
        *("--output_dir", folder / "model", "--max_steps", 60, "--ngf", 2, "--ndf", 2, "--seed", 1),
        *("--image_size", 64, "--save_freq", 5, "--progress_freq", 1, "--precision", "float32"),
    ]
    results = {"folder": folder / "model", "command": command}
    for name, number, step in (("interrupted", signal.SIGINT, 7), ("killed", signal.SIGKILL, 27)):
        training = Training(*command)
        training.wait_for_step(step)
        training.stop(number)
        results[name] = (*training.end(), training.errors)
    finished = made.run_here(pix2pix.main, *command)
    results["finished"] = (finished.returncode, finished.stdout, finished.stderr.splitlines())
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


def test_a_finished_training_has_nothing_to_do(stopped_twice, capsys):
    assert made.edge(pix2pix.main, *stopped_twice["command"]) == 0
    said = capsys.readouterr()
    assert said.err == ""
    assert f"going on from {stopped_twice['folder']}/ckpt-60: trained to the end already\n" in said.out
    assert options.read(stopped_twice["folder"], options.TRAINING).max_steps == 60


def test_a_log_shows_epoch_losses_speed_and_time_to_go(stopped_twice):
    line = stopped_twice["finished"][2][-1]
    number = r"-?[\d.]+"
    losses = rf"discriminator {number}, gan {number}, l1 {number}, ssim {number}"
    time_to_go = r"\[[\d:]+<[\d:]+, "
    assert re.match(
        rf"training: 60/60 steps {time_to_go}.*epoch 20, {losses}, {number} images/s", line.strip()
    ), line


def test_a_log_ends_with_networks_and_plan(stopped_twice):
    said = stopped_twice["finished"][1]
    assert re.match(r"generator \d\.\d M parameters, discriminator \d\.\d M\n", said)
    assert "\n3 pairs, 3 steps per epoch, 60 steps, seed 1\n" in said
    assert f"\nsaved {stopped_twice['folder']}/ckpt-60\n" in said


# --- what else ends a training --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def command(tmp_path_factory) -> list:
    """Of a training that saves nothing before its end, which is far; the folder follows."""
    pairs = made.write_pairs(tmp_path_factory.mktemp("pairs"), 2)
    return [
        *("--mode", "train", "--input_dir", pairs, "--max_steps", 10**6, "--ngf", 2, "--ndf", 2),
        *("--image_size", 64, "--save_freq", 0, "--val_freq", 0, "--summary_freq", 0, "--progress_freq", 1),
        *("--precision", "float32", "--output_dir"),
    ]


def saved_steps(folder) -> int:
    """The step of the only checkpoint, which has to be whole."""
    (path,) = folder.glob("ckpt-*.index")
    trainer = Trainer(options.read(folder, options.TRAINING))
    Checkpoints(folder, **trainer.objects()).restore()
    step = int(trainer.step)
    assert path.name == f"ckpt-{step}.index" and trainer.is_finite()
    return step


def test_a_closed_terminal_and_then_ctrl_c_cost_no_step(command, tmp_path):
    """The second signal comes while the training is saved, or before."""
    training = Training(*command, tmp_path / "model")
    training.wait_for_step(30)
    training.stop(signal.SIGHUP)
    training.stop(signal.SIGINT)
    code, said = training.end()
    step = saved_steps(tmp_path / "model")
    assert code == 130 and step >= 30
    assert f"saved {tmp_path / 'model'}/ckpt-{step}\n" in said
    assert "interrupted\n" in training.errors[-2:]
    assert not [line for line in training.errors if "Traceback" in line]


@pytest.mark.parametrize(
    "stream, is_joined, has_trained",
    [
        ("stdout", False, b" in all, at "),
        ("stdout", True, b" in all, at "),
        ("stderr", False, b"training: 25/"),
    ],
)
def test_a_pipe_that_nobody_reads_any_more_costs_no_step(command, stream, is_joined, has_trained, tmp_path):
    """As of `train ... | head` and `train ... 2>&1 | head`: it ends at the next line that it writes there."""
    validated = ["--val_dir", command[3], "--val_freq", 30]
    with (tmp_path / "other").open("w") as other:
        streams = {"stdout": other, "stderr": subprocess.STDOUT if is_joined else other}
        streams[stream] = subprocess.PIPE
        process = subprocess.Popen(
            [sys.executable, "pix2pix/pix2pix.py", *map(str, [*command, tmp_path / "model", *validated])],
            cwd=made.ROOT,
            **streams,
        )
        said = itertools.islice(iter(getattr(process, stream).readline, b""), 10_000)
        assert any(has_trained in line for line in said), "it has ended, or never trains"
        getattr(process, stream).close()
        code = process.wait(timeout=120)
    assert code == 1 and saved_steps(tmp_path / "model") >= 25
    assert "Traceback" not in (tmp_path / "other").read_text()
    assert "Exception" not in (tmp_path / "other").read_text()


@pytest.mark.skipif(sys.platform == "win32", reason="has no such terminals")
def test_a_terminal_that_is_closed_costs_no_step(command, tmp_path):
    """A real one: the system sends SIGHUP, and each further line of output fails."""
    ours, theirs = os.openpty()
    process = subprocess.Popen(
        [sys.executable, "pix2pix/pix2pix.py", *map(str, command), tmp_path / "model"],
        cwd=made.ROOT,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
    )
    os.close(theirs)
    shown = b""
    while b" in all, at " not in shown:  # trained for some steps
        shown += os.read(ours, 4096)
        assert len(shown) < 1_000_000, shown[-1000:]
    os.close(ours)
    process.wait(timeout=120)
    assert saved_steps(tmp_path / "model") >= 25


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Path:
    return made.training_folder(tmp_path_factory.mktemp("trained") / "model")


def test_a_list_of_other_files_ends_a_training_before_it_begins(command, trained, tmp_path, capsys):
    other = shutil.copytree(trained, tmp_path / "other")
    model = shutil.copytree(trained, tmp_path / "model")
    (model / "checkpoint").write_text(
        'model_checkpoint_path: "ckpt-1"\n'
        f'all_model_checkpoint_paths: "{other}/ckpt-1"\nall_model_checkpoint_paths: "ckpt-1"\n'
    )
    before = made.tree(tmp_path)
    assert made.edge(pix2pix.main, *command, model) == 2
    error = capsys.readouterr().err
    assert f"error: expected a list of the checkpoints in {model}, got {other}/ckpt-1: " in error
    assert error.count("\n") == 1 and made.tree(tmp_path) == before


@pytest.mark.parametrize("content", [b"", b"\0\xff notes"])
def test_a_damaged_list_ends_a_training_before_it_begins(command, trained, content, tmp_path, capsys):
    model = shutil.copytree(trained, tmp_path / "model")
    (model / "checkpoint").write_bytes(content)
    before = made.tree(tmp_path)
    assert made.edge(pix2pix.main, *command, model) == 2
    error = capsys.readouterr().err
    assert f"got an empty or damaged file: {model}/checkpoint\n" in error
    assert error.count("\n") == 1 and made.tree(tmp_path) == before


@pytest.mark.parametrize("place", ["pairs", "."], ids=["itself", "a folder above"])
def test_a_training_does_not_come_in_place_of_its_pairs(place, tmp_path, capsys):
    pairs = made.write_pairs(tmp_path / "pairs", 2)
    before = made.tree(tmp_path)
    arguments = ["--mode", "train", "--input_dir", pairs, "--output_dir", tmp_path / place, "--max_steps", 1]
    assert made.edge(pix2pix.main, *arguments) == 2
    assert "--output_dir" in capsys.readouterr().err and made.tree(tmp_path) == before
