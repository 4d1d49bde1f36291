import itertools
import os
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from face2face import pictures
from face2face.cli import UserError
from face2face.target import sidecar
from pix2pix.tools import split
from tests import made
from tests.made import run_script

COUNT = 40


@pytest.fixture
def pairs(tmp_path) -> Path:
    """40 pairs whose names are not in the order of their frames, with a sidecar."""
    folder = tmp_path / "pairs"
    folder.mkdir()
    video = sidecar.Video("made.mp4", (8, 8), 25.0, None)
    described = sidecar.Sidecar([video])
    for i in range(1, COUNT + 1):
        pictures.write(folder / f"{i}.png", np.full((8, 16, 3), i, np.uint8))
        described.images[f"{i}.png"] = sidecar.Entry(0, 10 * (i * 7 % 41), made.points(8))
    described.write(folder)
    return folder


@pytest.fixture
def foreign(pairs) -> Path:
    """The same without a sidecar."""
    (pairs / sidecar.SIDECAR_NAME).unlink()
    return pairs


def parts(folder: Path) -> tuple[set[str], set[str]]:
    return tuple({path.name for path in (folder / part).glob("*.png")} for part in ("train", "val"))


def runs(is_val: list[bool]) -> int:
    return sum(value for value, _ in itertools.groupby(is_val))


def test_each_pair_goes_to_one_part(pairs):
    split.split(pairs, 0.8)
    train, val = parts(pairs)
    assert (len(train), len(val)) == (32, 8)
    assert train | val == {f"{i}.png" for i in range(1, COUNT + 1)}
    assert not list(pairs.glob("*.png"))


def test_validation_frames_are_few_runs_in_time(pairs, capsys):
    entries = sidecar.read_sidecar(pairs).images
    split.split(pairs, 0.8)
    _, val = parts(pairs)
    in_time = sorted(entries, key=lambda name: entries[name].frame)
    assert 2 <= runs([name in val for name in in_time]) <= 5
    assert "split in time: 5 runs of neighbouring frames for val" in capsys.readouterr().out


def test_two_videos_are_not_mixed_in_time(pairs):
    """Frame 10 of one video is no neighbour of frame 10 of another."""
    described = sidecar.read_sidecar(pairs)
    two = {
        name: sidecar.Entry(int(entry.frame >= 200), entry.frame % 200, entry.points)
        for name, entry in described.images.items()
    }
    sidecar.Sidecar(described.videos * 2, two).write(pairs)
    split.split(pairs, 0.8)
    _, val = parts(pairs)
    in_time = sorted(two, key=lambda name: (two[name].video, two[name].frame))
    assert runs([name in val for name in in_time]) <= 5


def test_the_sidecar_is_divided(pairs):
    before = sidecar.read_sidecar(pairs)
    split.split(pairs, 0.8)
    for part, names in zip(("train", "val"), parts(pairs), strict=True):
        described = sidecar.read_sidecar(pairs / part)
        assert described.images.keys() == names
        assert all(described.images[name].frame == before.images[name].frame for name in names)
        assert described.videos == before.videos


@pytest.mark.parametrize("order", [[], ["--sort"], ["--shuffle", "--seed", "3"]])
def test_the_same_command_again_changes_nothing(pairs, order):
    assert made.edge(split.main, "--dir", pairs, *order) == 0
    before = made.tree(pairs)
    assert made.edge(split.main, "--dir", pairs, *order) == 0
    assert made.tree(pairs) == before


@pytest.mark.parametrize("order", [[], ["--sort"]], ids=["in time", "sort"])
def test_a_seed_is_refused_where_nothing_is_shuffled(pairs, order, capsys):
    error = error_of(capsys, pairs, *order, "--seed", 1)
    assert error.startswith("error: expected --seed with --shuffle, got ")


def test_a_seed_shuffles_pairs_without_a_sidecar(foreign):
    split.split(foreign, 0.8)
    default = parts(foreign)
    split.split(foreign, 0.8, seed=0)
    assert parts(foreign) == default
    split.split(foreign, 0.8, seed=1)
    assert parts(foreign) != default


def test_another_order_moves_the_pairs_again(pairs):
    split.split(pairs, 0.8)
    split.split(pairs, 0.5, "sort")
    train, val = parts(pairs)
    assert train == {f"{i}.png" for i in range(1, 21)}
    assert (len(val), sidecar.read_sidecar(pairs / "val").images.keys()) == (20, val)


def test_a_pair_made_anew_takes_the_place_of_the_old_one(pairs):
    """The tutorial run again on another video: combined pairs of the same names come into the folder."""
    split.split(pairs, 0.8)
    for i in range(1, COUNT + 1):
        pictures.write(pairs / f"{i}.png", np.full((8, 16, 3), 100 + i, np.uint8))
    split.split(pairs, 0.6)
    assert not list(pairs.glob("*.png"))
    found = {path.stem: pictures.read(path)[0, 0, 0] for path in pairs.glob("*/*.png")}
    assert found == {str(i): 100 + i for i in range(1, COUNT + 1)}
    assert [len(part) for part in parts(pairs)] == [24, 16]


def older(path: Path) -> None:
    """Make a file older than all others."""
    os.utime(path, (1, 1))


def error_of(capsys, folder: Path, *arguments) -> str:
    """The one line of a split that has to end with exit code 2, and to change nothing."""
    before = made.tree(folder)
    capsys.readouterr()
    assert made.edge(split.main, "--dir", folder, *arguments) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ") and error.count("\n") == 1
    assert made.tree(folder) == before
    return error


def test_a_name_in_both_parts_is_refused(pairs, capsys):
    split.split(pairs, 0.8)
    name = sorted(parts(pairs)[0])[0]
    pictures.write(pairs / "val" / name, np.full((8, 16, 3), 77, np.uint8))
    error = error_of(capsys, pairs)
    assert f"expected one image named {name}, got two: " in error
    assert str(pairs / "train" / name) in error and str(pairs / "val" / name) in error
    pictures.write(pairs / name, np.full((8, 16, 3), 78, np.uint8))  # nor does a newer one choose
    assert f"expected one image named {name}, got two: " in error_of(capsys, pairs)


def test_a_picture_of_the_users_own_is_not_replaced_by_a_newer_one(foreign, capsys):
    split.split(foreign, 0.8)
    for name in ("train", "val"):
        (foreign / name / sidecar.SIDECAR_NAME).unlink(missing_ok=True)
    name = sorted(parts(foreign)[0])[0]
    cv2.imwrite(str(foreign / "train" / name), np.full((8, 16, 3), 77, np.uint8))
    older(foreign / "train" / name)
    pictures.write(foreign / name, np.full((8, 16, 3), 78, np.uint8))
    error = error_of(capsys, foreign)
    assert f"got two: {foreign / name} and {foreign / 'train' / name}" in error


def test_an_older_pair_does_not_replace_a_newer_one(pairs, capsys):
    split.split(pairs, 0.8)
    name = sorted(parts(pairs)[1])[0]
    pictures.write(pairs / name, np.full((8, 16, 3), 78, np.uint8))
    older(pairs / name)
    assert f"got two: {pairs / name} and {pairs / 'val' / name}" in error_of(capsys, pairs)


def test_an_older_pair_that_the_sidecar_lists_is_replaced(pairs):
    """Older versions did not mark the pairs as ours."""
    split.split(pairs, 0.8)
    name = sorted(parts(pairs)[0])[0]
    cv2.imwrite(str(pairs / "train" / name), np.full((8, 16, 3), 77, np.uint8))
    older(pairs / "train" / name)
    pictures.write(pairs / name, np.full((8, 16, 3), 78, np.uint8))
    split.split(pairs, 0.8)
    (found,) = pairs.rglob(name)
    assert pictures.read(found)[0, 0, 0] == 78


@pytest.mark.parametrize(
    "place", ["train", "val", "train/landmarks.json", "val/1.png", "train/1.png", "val/5.png", "train/5.png"]
)
def test_what_is_in_the_way_is_named_before_anything_is_moved(pairs, place, capsys):
    path = pairs / place
    path.parent.mkdir(exist_ok=True)
    path.unlink(missing_ok=True)
    if path.suffix == ".png":
        path.mkdir()
    else:
        path.write_text("notes")
    assert str(path) in error_of(capsys, pairs)


def test_sort_trains_on_the_first_names(pairs):
    split.split(pairs, 0.75, "sort")
    assert parts(pairs)[0] == {f"{i}.png" for i in range(1, 31)}


def test_shuffle_depends_on_the_seed_alone(foreign):
    first, again, other = (
        split.split(foreign, 0.8, "shuffle", seed)["val"] and parts(foreign)[1] for seed in (1, 1, 2)
    )
    assert first == again != other


def test_shuffling_a_clip_is_warned_of(pairs, capsys):
    split.split(pairs, 0.8, "shuffle")
    assert (
        "warning: shuffled: frames of val have their neighbours in time in train" in capsys.readouterr().err
    )
    assert sidecar.read_sidecar(pairs / "val").images.keys() == parts(pairs)[1]


def test_without_a_sidecar_pairs_are_shuffled(foreign, capsys):
    split.split(foreign, 0.8)
    train, val = parts(foreign)
    assert (len(train), len(val)) == (32, 8)
    assert runs([f"{i}.png" in val for i in range(1, COUNT + 1)]) > 3
    assert not list(foreign.rglob("*.json"))
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("fraction, count", [(0.0, 0), (1.0, 40), (0.99, 40), (0.5, 20)])
def test_the_share_to_train_on(pairs, fraction, count):
    assert len(split.split(pairs, fraction)["train"]) == count
    assert [len(part) for part in parts(pairs)] == [count, COUNT - count]


def test_fewer_than_two_pairs_cannot_be_split(tmp_path):
    pictures.write(tmp_path / "1.png", np.zeros((8, 16, 3), np.uint8))
    with pytest.raises(UserError, match="expected two images or more to split, got 1 in"):
        split.split(tmp_path, 0.8)
    assert [path.name for path in tmp_path.iterdir()] == ["1.png"]


def test_a_share_out_of_range_is_refused(pairs, capsys):
    assert made.edge(split.main, "--dir", pairs, "--train_frac", "1.5") == 2
    assert "expected a number from 0 to 1, got '1.5'" in capsys.readouterr().err


@pytest.mark.parametrize("root", [True, False], ids=["from the root", "from pix2pix"])
def test_it_runs_from_the_root_and_from_inside_pix2pix(pairs, root):
    here = Path(split.__file__).parents[2 if root else 1]
    result = run_script(Path(split.__file__).relative_to(here), "--dir", pairs, cwd=here)
    assert result.returncode == 0
    assert result.stdout.splitlines()[-1] == "32 images to train on, 8 to validate"


def test_a_test_set_is_held_back_too(pairs, tmp_path, capsys):
    """--test_frac, as of the original's split.py: what is left after it and --train_frac validates."""
    other = shutil.copytree(pairs, tmp_path / "other")
    for folder, arguments in ((pairs, ()), (other, ("--shuffle",))):
        count = len(list(folder.glob("*.png")))
        command = ("--dir", folder, "--train_frac", 0.5, "--test_frac", 0.25, *arguments)
        assert made.edge(split.main, *command) == 0
        found = {
            part: sorted(p.name for p in (folder / part).glob("*.png")) for part in ("train", "val", "test")
        }
        assert [len(names) for names in found.values()] == [count // 2, count // 4, count // 4]
        assert len({name for names in found.values() for name in names}) == count
        before = made.tree(folder)
        assert made.edge(split.main, *command) == 0 and made.tree(folder) == before
        assert f"{count // 4} to validate, {count // 4} to test" in capsys.readouterr().out
    beside = sidecar.read_sidecar(pairs / "test")
    assert sorted(beside.images) == sorted(p.name for p in (pairs / "test").glob("*.png"))


def test_without_a_test_set_its_pairs_train_or_validate_again(pairs, tmp_path):
    """Also those that process.py has made once more meanwhile: none is in two parts."""
    again = shutil.copytree(pairs, tmp_path / "again")
    count = len(list(pairs.glob("*.png")))
    assert made.edge(split.main, "--dir", pairs, "--train_frac", 0.5, "--test_frac", 0.25) == 0
    for path in again.glob("*.png"):
        shutil.copy(path, pairs)
    assert made.edge(split.main, "--dir", pairs, "--train_frac", 0.5) == 0
    found = [path.name for part in ("train", "val", "test") for path in (pairs / part).glob("*.png")]
    assert len(found) == len(set(found)) == count
    assert not list((pairs / "test").glob("*.png"))


def test_parts_of_more_than_all_are_refused(pairs, capsys):
    before = made.tree(pairs)
    assert made.edge(split.main, "--dir", pairs, "--test_frac", 0.3) == 2
    assert "expected --train_frac and --test_frac of at most 1 together, got 0.8 and 0.3" in (
        capsys.readouterr().err
    )
    assert made.tree(pairs) == before
