import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from face2face.cli import UserError
from pix2pix import checkpoints
from pix2pix.checkpoints import Checkpoints
from pix2pix.trainer import Trainer
from tests import made


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return made.training_folder(tmp_path_factory.mktemp("checkpoints") / "model")


@pytest.fixture(scope="module")
def any_trainer() -> Trainer:
    """For what is refused: it does not matter what its weights are."""
    return Trainer(made.SMALL)


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
    assert checkpoints.newest_checkpoint(tmp_path) == str(tmp_path / "ckpt-10")


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
    expected = made.generator(64, 4)
    made.unsettle(expected)
    found = made.generator(64, 4)
    assert checkpoints.restore_generator(found, folder) == str(folder / "ckpt-1")
    assert equal(values(found), values(expected))


def test_a_generator_saved_alone_is_restored(tmp_path):
    folded = made.generator(64, 4, folded=True)
    made.unsettle(folded)
    checkpoints.save_generator(folded, tmp_path)
    found = made.generator(64, 4, folded=True)
    checkpoints.restore_generator(found, tmp_path)
    assert equal(values(found), values(folded))


@pytest.mark.parametrize("size, ngf", [(64, 8), (128, 4), (32, 4)])
def test_a_network_of_other_options_is_refused(folder, size, ngf):
    with pytest.raises(UserError, match=r"damaged, or of a network with other options: .*ckpt-1 \("):
        checkpoints.restore_generator(made.generator(size, ngf), folder)


def test_a_training_of_other_options_is_refused(folder):
    other = Trainer(replace(made.SMALL, ndf=8))
    with pytest.raises(UserError, match="damaged, or of a network with other options"):
        Checkpoints(folder, **other.objects()).restore()


@pytest.mark.parametrize("part", ["data-00000-of-00001", "index"])
@pytest.mark.parametrize("damage", ["truncated", "overwritten", "emptied", "missing"])
def test_damaged_weights_are_named(folder, any_trainer, tmp_path, part, damage):
    model = shutil.copytree(folder, tmp_path / "model")
    path = model / f"ckpt-1.{part}"
    half = path.read_bytes()[: path.stat().st_size // 2]
    contents = {"truncated": half, "overwritten": half + b"\xff" * len(half), "emptied": b""}
    if damage in contents:
        path.write_bytes(contents[damage])
    else:
        path.unlink()
    message = r"damaged, or of a network with other options: .*ckpt-1 \(|expected a folder with a checkpoint"
    with pytest.raises(UserError, match=message):
        checkpoints.restore_generator(any_trainer.generator, model)
    with pytest.raises(UserError, match=message):
        checkpoints.restore_objects(model, any_trainer.objects())


def test_a_folder_without_a_checkpoint_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"expected a folder with a checkpoint, got none in .*: train first"):
        checkpoints.newest_checkpoint(tmp_path)


# --- the list of a folder's checkpoints -----------------------------------------------------------------


def state(folder: Path, *names: str) -> Path:
    """Write a list of checkpoints as TensorFlow does, the last one the newest."""
    lines = [f'model_checkpoint_path: "{names[-1]}"', *(f'all_model_checkpoint_paths: "{n}"' for n in names)]
    path = folder / "checkpoint"
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.mark.parametrize(
    "names",
    [
        ("{other}/ckpt-9", "ckpt-1"),
        ("../other/ckpt-9", "ckpt-1"),
        ("ckpt-1", "../other/ckpt-9"),
        ("sub/ckpt-1",),
        ("*",),
        ("ckpt-*", "ckpt-1"),
        ("notes", "ckpt-1"),
        ("..",),
        ("",),
        ("link/ckpt-9", "ckpt-1"),
    ],
)
def test_a_list_of_other_files_is_refused_and_they_stay(folder, any_trainer, names, tmp_path):
    """TensorFlow would remove what the list names, wherever it is."""
    model = shutil.copytree(folder, tmp_path / "model")
    other = shutil.copytree(folder, tmp_path / "other")
    for file in other.glob("ckpt-1.*"):
        file.rename(other / file.name.replace("ckpt-1.", "ckpt-9."))
    (model / "link").symlink_to(other)
    (model / "notes.index").write_text("notes")
    path = state(model, *(name.format(other=other) for name in names))
    before = made.tree(tmp_path)
    message = rf"expected a list of the checkpoints in {model}, got .*: {path}"
    with pytest.raises(UserError, match=message):
        Checkpoints(model, **any_trainer.objects())
    with pytest.raises(UserError, match=message):
        checkpoints.newest_checkpoint(model)
    assert made.tree(tmp_path) == before


@pytest.mark.parametrize(
    "content", [b"", b"\n", b"\xff\xfe\0", b"notes", b"model_checkpoint_path: 7", b"{" * 9999]
)
def test_a_damaged_list_is_named(folder, any_trainer, content, tmp_path):
    model = shutil.copytree(folder, tmp_path / "model")
    (model / "checkpoint").write_bytes(content)
    with pytest.raises(UserError, match=r"got an empty or damaged file: .*/checkpoint$"):
        checkpoints.restore_generator(any_trainer.generator, model)
    with pytest.raises(UserError, match=r"got an empty or damaged file: .*/checkpoint$"):
        Checkpoints(model, **any_trainer.objects())


def test_a_folder_in_the_place_of_the_list_is_named(tmp_path):
    (tmp_path / "checkpoint").mkdir()
    with pytest.raises(UserError, match="got something else: "):
        checkpoints.check_state(tmp_path)


def test_the_list_of_the_best_weights_is_looked_into_as_well(folder, tmp_path):
    model = shutil.copytree(folder, tmp_path / "model")
    (model / "best").mkdir()
    state(model / "best", "../ckpt-1")
    with pytest.raises(UserError, match=r"expected a list of the checkpoints in .*best, got \.\./ckpt-1"):
        checkpoints.Best(model)
    with pytest.raises(UserError, match=r"expected a list of the checkpoints in .*best, got \.\./ckpt-1"):
        checkpoints.weights_folder(model, None)


@pytest.mark.parametrize("absolute", [False, True])
def test_lists_of_older_trainings_are_read(folder, absolute, tmp_path):
    """TensorFlow 1 wrote whole paths where it was given one."""
    model = shutil.copytree(folder, tmp_path / "model")
    state(model, f"{model}/ckpt-1" if absolute else "ckpt-1")
    assert checkpoints.newest_checkpoint(model) == str(model / "ckpt-1")


# --- errors of TensorFlow -------------------------------------------------------------------------------


def test_what_tensorflow_says_of_itself_is_left_out():
    """Places in the code, and its advice: what is left is what happened."""

    @tf.function
    def gather(index: tf.Tensor) -> tf.Tensor:
        return tf.gather(tf.zeros(3), index)

    def read(_) -> np.ndarray:
        raise UserError("expected an image, got none: a.png")

    reads = tf.data.Dataset.range(1).map(lambda i: tf.numpy_function(read, (i,), tf.float32))
    for fail, said in (
        (lambda: gather(tf.constant(7)), "indices = 7 is not in [0, 3)"),
        (lambda: next(iter(reads)), "expected an image, got none: a.png"),
    ):
        with pytest.raises(tf.errors.OpError) as raised:
            fail()
        assert checkpoints.reason_of(raised.value).startswith(said)
        assert "\n" not in checkpoints.reason_of(raised.value)


def test_the_size_is_that_of_all_its_files(folder):
    files = [path for path in folder.iterdir() if path.name.startswith("ckpt-1.")]
    assert len(files) == 2
    size = sum(path.stat().st_size for path in files)
    assert checkpoints.size_mb(str(folder / "ckpt-1")) == pytest.approx(size / 1e6)
