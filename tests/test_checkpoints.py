from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from face2face.cli import UserError
from pix2pix import checkpoints, networks
from pix2pix.checkpoints import Checkpoints
from pix2pix.trainer import Trainer
from tests import made


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return made.training_folder(tmp_path_factory.mktemp("checkpoints") / "model")


@pytest.fixture
def subject() -> Trainer:
    trainer = Trainer(made.SMALL)
    made.unsettle(trainer.generator, seed=5)
    return trainer


def values(network) -> list[np.ndarray]:
    return [v.numpy() for v in network.weights]


def equal(a: list, b: list) -> bool:
    return all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))


def data_file(folder: Path) -> Path:
    (path,) = folder.glob("*.data-*")
    return path


def test_what_is_saved_is_restored(subject, tmp_path):
    subject.step.assign(7)
    Checkpoints(tmp_path, **subject.objects()).save(7)
    other = Trainer(made.SMALL)
    assert not equal(values(other.generator), values(subject.generator))
    assert Checkpoints(tmp_path, **other.objects()).restore() == str(tmp_path / "ckpt-7")
    assert int(other.step) == 7
    assert equal(values(other.generator), values(subject.generator))
    assert equal(values(other.discriminator), values(subject.discriminator))


def test_an_empty_folder_restores_nothing(subject, tmp_path):
    before = values(subject.generator)
    assert Checkpoints(tmp_path, **subject.objects()).restore() is None
    assert equal(values(subject.generator), before)


def test_the_newest_three_are_kept(subject, tmp_path):
    saved = Checkpoints(tmp_path, **subject.objects())
    for step in (1, 2, 3, 4, 10):
        saved.save(step)
    assert {path.stem for path in tmp_path.glob("*.index")} == {"ckpt-3", "ckpt-4", "ckpt-10"}
    assert checkpoints.newest(tmp_path) == str(tmp_path / "ckpt-10")


def test_older_ones_go_on_being_removed_by_a_resumed_training(subject, tmp_path):
    for step in (1, 2, 3, 4):
        Checkpoints(tmp_path, **subject.objects()).save(step)
    assert {path.stem for path in tmp_path.glob("*.index")} == {"ckpt-2", "ckpt-3", "ckpt-4"}


def test_a_save_that_was_cut_off_does_not_count(subject, tmp_path):
    """Killed while writing step 2: step 1 is what a training goes on from."""
    saved = Checkpoints(tmp_path, **subject.objects())
    saved.save(1)
    whole = data_file(tmp_path)
    (tmp_path / whole.name.replace("ckpt-1", "ckpt-2")).write_bytes(whole.read_bytes()[:1000])
    assert Checkpoints(tmp_path, **subject.objects()).restore() == str(tmp_path / "ckpt-1")


def test_the_generator_alone_is_restored(folder):
    expected = networks.generator(64, 4)
    made.unsettle(expected)
    found = networks.generator(64, 4)
    assert checkpoints.restore_generator(found, folder) == str(folder / "ckpt-1")
    assert equal(values(found), values(expected))


def test_a_generator_saved_alone_is_restored(tmp_path):
    folded = networks.generator(64, 4, folded=True)
    made.unsettle(folded)
    checkpoints.save_generator(folded, tmp_path)
    found = networks.generator(64, 4, folded=True)
    checkpoints.restore_generator(found, tmp_path)
    assert equal(values(found), values(folded))


@pytest.mark.parametrize("size, ngf", [(64, 8), (128, 4), (32, 4)])
def test_a_network_of_other_options_is_refused(folder, size, ngf):
    with pytest.raises(UserError, match=r"damaged, or of a network with other options: .*ckpt-1 \("):
        checkpoints.restore_generator(networks.generator(size, ngf), folder)


def test_a_training_of_other_options_is_refused(folder):
    other = Trainer(replace(made.SMALL, ndf=8))
    with pytest.raises(UserError, match="damaged, or of a network with other options"):
        Checkpoints(folder, **other.objects()).restore()


@pytest.mark.parametrize("part", ["data-00000-of-00001", "index"])
@pytest.mark.parametrize("damage", ["truncated", "overwritten", "emptied", "missing"])
def test_damaged_weights_are_named(tmp_path, part, damage):
    folder = made.training_folder(tmp_path / "model", with_target=False)
    path = folder / f"ckpt-1.{part}"
    half = path.read_bytes()[: path.stat().st_size // 2]
    contents = {"truncated": half, "overwritten": half + b"\xff" * len(half), "emptied": b""}
    if damage in contents:
        path.write_bytes(contents[damage])
    else:
        path.unlink()
    message = r"damaged, or of a network with other options: .*ckpt-1 \(|expected a folder with a checkpoint"
    with pytest.raises(UserError, match=message):
        checkpoints.restore_generator(networks.generator(64, 4), folder)
    with pytest.raises(UserError, match=message):
        Checkpoints(folder, **Trainer(made.SMALL).objects()).restore(folder)


def test_a_folder_without_a_checkpoint_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"expected a folder with a checkpoint, got none in .*: train first"):
        checkpoints.newest(tmp_path)


def test_the_size_is_that_of_all_its_files(folder):
    files = [path for path in folder.iterdir() if path.name.startswith("ckpt-1.")]
    assert len(files) == 2
    size = sum(path.stat().st_size for path in files)
    assert checkpoints.size_mb(str(folder / "ckpt-1")) == pytest.approx(size / 1e6)
