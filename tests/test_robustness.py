"""What must not cost a training: kill -9 at any moment, a full disk, numbers that are none, bad input."""

import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import tensorflow as tf

from tests import made

OPTS = replace(
    made.SMALL, image_size=32, scale_size=36, ngf=2, ndf=2, max_steps=300, save_freq=3, val_freq=20
)
KILLS = 20

TRAIN_AGAIN = f"""
import os, sys
sys.path.insert(0, {str(made.ROOT)!r})
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import keras, tensorflow as tf
from pathlib import Path
from pix2pix import trainer
from tests import test_robustness

print("ready", flush=True)
for line in sys.stdin:  # a process forked for each run: TensorFlow is imported once, and has not begun
    pairs, folder = line.split()
    child = os.fork()
    if not child:
        tf.config.run_functions_eagerly(True)  # no seconds of tracing
        trainer.train(test_robustness.OPTS, Path(pairs), Path(folder))
        os._exit(0)
    print(child, flush=True)
    _, status = os.waitpid(child, 0)
    print("ended", status, flush=True)
"""


def steps(folder: Path) -> list[int]:
    return sorted(int(path.stem.split("-")[1]) for path in folder.glob("ckpt-*.index"))


def weights(folder: Path) -> dict[str, np.ndarray]:
    reader = tf.train.load_checkpoint(str(folder))
    names = [name for name in reader.get_variable_to_shape_map() if name != "_CHECKPOINTABLE_OBJECT_GRAPH"]
    return {name: reader.get_tensor(name) for name in names if "save_counter" not in name}


def test_a_training_survives_kill_9_at_random_moments(tmp_path):
    pairs = made.write_pairs(tmp_path / "train", 4, OPTS.image_size)
    made.write_pairs(tmp_path / "val", 2, OPTS.image_size)
    script = tmp_path / "again.py"
    script.write_text(TRAIN_AGAIN)
    runs = subprocess.Popen(
        [sys.executable, script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
    )

    def start(folder: Path) -> int:
        runs.stdin.write(f"{pairs} {folder}\n")
        while not (line := runs.stdout.readline()).strip().isdigit():
            assert line, "the runs have ended"
        return int(line)

    def end() -> int:
        while not (line := runs.stdout.readline()).startswith("ended"):
            assert line, "the runs have ended"
        return int(line.split()[1])

    rng, folder = random.Random(0), tmp_path / "killed"
    killed = 0
    while killed < KILLS:
        before = steps(folder)[-1:] or [0]
        child = start(folder)
        while not steps(folder) or steps(folder)[-1] == before[0]:  # it has come to steps of its own
            time.sleep(0.01)
        time.sleep(rng.uniform(0, 0.3))
        os.kill(child, signal.SIGKILL)
        assert end() == signal.SIGKILL, "trained to the end before it was killed"
        killed += 1
        assert steps(folder)[-1] > before[0]
    assert start(folder) and end() == 0
    assert start(tmp_path / "whole") and end() == 0
    runs.stdin.close()
    assert runs.wait(timeout=60) == 0
    ours, theirs = weights(folder), weights(tmp_path / "whole")
    assert ours.keys() == theirs.keys() and all(np.array_equal(ours[name], theirs[name]) for name in ours)
    assert (folder / "history.csv").read_bytes() == (tmp_path / "whole" / "history.csv").read_bytes()
    assert steps(folder / "best") == steps(tmp_path / "whole" / "best")
