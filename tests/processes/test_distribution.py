"""Two workers on one machine: real processes that train one network together."""

import json
import os
import re
import shutil
import socket
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from face2face.cli import UserError
from pix2pix import distribution, loop, networks, trainer, training
from tests import made
from tests.processes import forked

OPTS = replace(
    made.SMALL, image_size=32, scale_size=36, ngf=2, ndf=2, batch_size=2, ema=True, seed=3, save_freq=10
)
FEW = 4
"""Steps whose losses are compared: later, rounding has grown."""


def work(pairs: Path, folder: Path, result: Path, steps: int, statistics: str) -> None:
    """Train, and write losses and weights; exit with 1 if the training has to stop."""
    losses = []
    smooth = loop.Loop.smooth

    def record(self, new: dict[str, tf.Tensor]) -> None:
        losses.append([float(value) for value in new.values()])
        smooth(self, new)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(networks, "DROPOUT_RATE", 0.0)  # each device draws its own
        patch.setattr(loop.Loop, "smooth", record)
        patch.setattr(loop, "LOSSES_EVERY", 1)
        options = replace(OPTS, max_steps=steps, statistics=statistics)
        try:
            trained = training.train(options, pairs, folder)
        except loop.Stopped as stopped:
            print(stopped)
            sys.exit(1)
    local = trained.strategy.experimental_local_results
    weights = {f"{i}": local(v)[0].numpy() for i, v in enumerate(trained.variables())}
    np.savez(result, losses=losses, **weights)


def work_in_cluster(cluster: dict, *arguments) -> None:
    """Train as one of several workers."""
    os.environ["TF_CONFIG"] = json.dumps(cluster)
    work(*arguments)


def free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


class Cluster:
    """Two workers that train in one folder."""

    def __init__(self, pairs: Path, folder: Path, steps: int):
        addresses = [f"127.0.0.1:{port}" for port in free_ports(2)]
        self.results = [folder.with_name(f"{folder.name}-{i}.npz") for i in range(2)]
        self.logs = [folder.with_name(f"{folder.name}-{i}-to-{steps}.log") for i in range(2)]
        self.processes = []
        for i, result in enumerate(self.results):
            # The others have a folder of their own, which has to stay empty: only the chief writes.
            place = folder if i == 0 else folder.with_name(f"{folder.name}-of-{i}")
            # As where only the chief's folder tells that the training is of an older version.
            statistics = "picture" if i == 0 else OPTS.statistics
            cluster = {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": i}}
            arguments = (cluster, pairs, place, result, steps, statistics)
            self.processes.append(forked.start(work_in_cluster, *arguments, log=self.logs[i]))

    def end(self) -> list[tuple[int, str]]:
        """Exit code and output of each."""
        codes = [forked.end(process, 240) for process in self.processes]
        return list(zip(codes, [log.read_text() for log in self.logs], strict=True))


@pytest.fixture(scope="module")
def pairs(tmp_path_factory) -> Path:
    return made.write_pairs(tmp_path_factory.mktemp("pairs"), 5, OPTS.image_size)


@pytest.fixture(scope="module")
def trained(pairs, tmp_path_factory) -> dict:
    """Two workers, one of which is killed; both started again; and this process, that goes on as they do."""
    folder = tmp_path_factory.mktemp("trained")
    first = Cluster(pairs, folder / "together", 100_000)
    chief, other = first.processes
    made.until(lambda: list((folder / "together").glob("ckpt-*.index")) or not chief.is_alive(), 240)
    assert chief.is_alive(), first.end()
    other.kill()
    found = {"folder": folder, "left": first.end()[0]}
    step = int(Path(tf.train.latest_checkpoint(str(folder / "together"))).name.split("-")[1])
    shutil.copytree(folder / "together", folder / "alone")
    again = Cluster(pairs, folder / "together", step + FEW)
    work(pairs, folder / "alone", folder / "alone.npz", step + FEW, "picture")
    ended = again.end()
    assert [code for code, *_ in ended] == [0, 0], ended
    together = [dict(np.load(path)) for path in again.results]
    alone = dict(np.load(folder / "alone.npz"))
    return found | {"step": step, "said": ended[0][1], "together": together, "alone": alone}


def test_both_workers_have_the_same_weights(trained):
    a, b = trained["together"]
    assert a.keys() == b.keys() and len(a) > 50
    for name in a:
        assert np.array_equal(a[name], b[name]), name


def test_their_losses_are_those_of_one_process_with_the_joint_batch(trained):
    together, alone = trained["together"][0]["losses"], trained["alone"]["losses"]
    assert together.shape == (FEW, 4)
    assert together == pytest.approx(alone, rel=1e-3)


def test_only_the_chief_writes(trained):
    folder = trained["folder"]
    assert (folder / "together" / "options.json").is_file()
    assert not (folder / "together-of-1").exists()


def test_the_chief_ends_in_one_line_when_a_worker_is_killed(trained):
    code, said = trained["left"]
    assert code == 1
    (line,) = [line for line in said.splitlines() if line.startswith("training has stopped")]
    assert re.match(r"training has stopped \(the last checkpoint: .*/together/ckpt-\d+\): ", line)


def test_started_again_they_go_on_from_the_last_checkpoint(trained):
    step, folder = trained["step"], trained["folder"] / "together"
    assert step % OPTS.save_freq == 0
    assert f"going on from {folder}/ckpt-{step}\n" in trained["said"]
    assert tf.train.latest_checkpoint(str(folder)) == str(folder / f"ckpt-{step + FEW}")


# --- in one process -------------------------------------------------------------------------------------


def compute_on_two_devices() -> None:
    """Two logical CPUs stand for GPUs."""
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    networks.DROPOUT_RATE = 0.0
    rng = np.random.default_rng(0)
    batch = [rng.uniform(-1, 1, (2, 32, 32, 3)).astype(np.float32) for _ in range(2)]
    results = []
    for strategy in (tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]), tf.distribute.get_strategy()):
        tf.keras.utils.set_random_seed(1)
        one = trainer.Trainer(OPTS, strategy)
        count = strategy.num_replicas_in_sync
        shares = [np.split(half, count) for half in batch]
        pair = [
            strategy.experimental_distribute_values_from_function(
                lambda c, h=half: tf.constant(h[c.replica_id_in_sync_group])
            )
            if count > 1
            else tf.constant(half[0])
            for half in shares
        ]
        one.train_step(*pair)
        losses, _ = one.train_step(*pair)
        results.append([float(value) for value in losses.values()])
    assert np.allclose(*results, rtol=1e-3), results


def test_two_devices_of_one_machine_compute_one_step(tmp_path):
    """In a process of its own, since devices cannot be added later."""
    process = forked.start(compute_on_two_devices, log=tmp_path / "log")
    assert forked.end(process, 240) == 0, (tmp_path / "log").read_text()


NO_SUCH_WORKER = '{"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": 1}}'


@pytest.mark.parametrize(
    "config",
    [
        *(None, "{", '{"cluster": {}}', NO_SUCH_WORKER, NO_SUCH_WORKER.replace(": 1}", ": 1e999}")),
        pytest.param("[" * 200_000, id="deep"),
    ],
)
def test_a_cluster_that_makes_no_sense_is_refused(config, monkeypatch):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    if config:
        monkeypatch.setenv("TF_CONFIG", config)
    with pytest.raises(UserError, match=r"expected TF_CONFIG as \{.*, got "):
        distribution.strategy("multi-worker")


def test_a_batch_that_cannot_be_dealt_out_evenly_is_refused():
    class OfTwo:
        num_replicas_in_sync = 2

    training.check_batch_size(replace(OPTS, batch_size=4), OfTwo)
    with pytest.raises(UserError, match=r"expected --batch_size as a multiple of 2, .* got 3"):
        training.check_batch_size(replace(OPTS, batch_size=3), OfTwo)
