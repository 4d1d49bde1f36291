"""process.py knows of which frames of which videos images are: people, and halves of pairs, do not mix."""

import os
import shutil
from pathlib import Path

import pytest

from face2face.cli import UserError
from face2face.target import sidecar
from pix2pix.tools import process
from tests import made
from tests.scripts.test_generate_train_data import generate
from tests.scripts.test_process import read

FOLDERS = ORIGINAL, LANDMARKS = "original", "landmarks"


@pytest.fixture(scope="module")
def runs(clips, tmp_path_factory) -> dict[str, Path]:
    """Pairs of a woman's first frames, of others of hers, and of a man's clip of the same file name."""
    place = tmp_path_factory.mktemp("runs")
    for name, clip, select in (
        ("first", "single_face.mp4", "first"),
        ("spread", "single_face.mp4", "spread"),
        ("man", "WolfgangLanger_Pexels.mp4", "first"),
    ):
        shutil.copy(clips / clip, place / "target.mp4")
        assert generate(place / name, place / "target.mp4", "--num", 3, "--select", select) == 0
    return {path.name: path for path in place.iterdir() if path.is_dir()}


def step(run: Path, name: str, place: Path) -> int:
    """Resize one of the two folders of a run, as step 2 of the README does."""
    return process.process(run / name, place / name, "resize", size=64)


def combine(place: Path) -> int:
    return process.process(place / LANDMARKS, place / "combined", "combine", b_dir=place / ORIGINAL)


def all_steps(run: Path, place: Path) -> dict:
    for name in FOLDERS:
        step(run, name, place)
    combine(place)
    return {path: content for path, content in made.tree(place).items() if path.endswith(".png")}


def are_newest(place: Path) -> None:
    """Let all that is in a place look newer than any pairs."""
    for path in place.rglob("*.png"):
        os.utime(path, (2**32, 2**32 + path.parent.name.count("combined")))


def test_pictures_of_another_persons_clip_of_that_name_are_refused_as_drawings_are(runs, tmp_path):
    all_steps(runs["first"], tmp_path)
    before = made.tree(tmp_path)
    for name in FOLDERS:
        with pytest.raises(UserError, match=r"^expected images of target\.mp4, as in .*, got images of anot"):
            step(runs["man"], name, tmp_path)
    assert combine(tmp_path) == 0 and made.tree(tmp_path) == before


def test_pairs_of_other_frames_take_the_place_of_all_three_images(runs, tmp_path):
    all_steps(runs["first"], tmp_path / "kept")
    are_newest(tmp_path / "kept")
    expected = all_steps(runs["spread"], tmp_path / "new")
    assert all_steps(runs["spread"], tmp_path / "kept") == expected
    before = made.tree(tmp_path)
    assert [step(runs["spread"], name, tmp_path / "kept") for name in FOLDERS] == [0, 0]
    assert combine(tmp_path / "kept") == 0 and made.tree(tmp_path) == before


def test_when_the_earlier_images_are_removed_as_advised_the_new_ones_are_made(runs, tmp_path, capsys):
    """Wherever split.py has moved them, and though sidecar and settings stay."""
    all_steps(runs["first"], tmp_path)
    expected = all_steps(runs["man"], tmp_path / "expected")
    for folder in (*FOLDERS, "combined"):
        (tmp_path / folder / "val").mkdir()
        (tmp_path / folder / "1.png").rename(tmp_path / folder / "val" / "1.png")
        left = tmp_path / folder
        videos = "target.mp4 (640x360, 472 frames) instead of target.mp4 (640x360, 72 frames)"
        for images, count in (([], 3), (["2.png", "3.png"], 1)):
            for name in images:
                (left / name).unlink()
            arguments = ["--operation", "resize", "--size", 64, "--input_dir", runs["man"] / folder]
            if folder == "combined":
                arguments = ["--operation", "combine", "--input_dir", tmp_path / LANDMARKS]
                arguments += ["--b_dir", tmp_path / ORIGINAL]
            capsys.readouterr()
            assert made.edge(process.main, *arguments, "--output_dir", left) == 2
            (error,) = capsys.readouterr().err.splitlines()
            assert f"got images of another video, {videos}: remove the earlier ones ({left}/" in error
            assert f"..., {count} in all), or give a new --output_dir" in error
        (left / "val" / "1.png").unlink()
        assert made.edge(process.main, *arguments, "--output_dir", left) == 0
    assert made.tree(tmp_path).items() >= expected.items()


@pytest.mark.parametrize("other", ["spread", "man"])
def test_halves_of_different_frames_are_not_combined(runs, other, tmp_path, capsys):
    step(runs["first"], LANDMARKS, tmp_path)
    step(runs[other], ORIGINAL, tmp_path)
    capsys.readouterr()
    arguments = ("--operation", "combine", "--output_dir", tmp_path / "combined")
    for left, right in (FOLDERS, FOLDERS[::-1]):
        code = made.edge(
            process.main, *arguments, "--input_dir", tmp_path / left, "--b_dir", tmp_path / right
        )
        (error,) = capsys.readouterr().err.splitlines()
        assert code == 2 and error.startswith(
            "error: expected two pictures of one frame to combine, got frame"
        )
        assert str(tmp_path / left) in error and str(tmp_path / right) in error
    assert not (tmp_path / "combined").exists()


def test_the_pairs_as_they_were_made_are_compared_too(runs, tmp_path):
    with pytest.raises(UserError, match="expected two pictures of one frame to combine"):
        process.process(
            runs["spread"] / LANDMARKS, tmp_path / "out", "combine", b_dir=runs["first"] / ORIGINAL
        )
    assert not (tmp_path / "out").exists()


def test_a_run_that_ends_half_way_is_done_to_its_end_by_the_next_one(runs, tmp_path):
    """Whether it is a first run, or one that replaces the images of other frames; then also back to those."""
    broken = shutil.copytree(runs["spread"], tmp_path / "broken")
    (broken / ORIGINAL / "3.png").write_bytes(b"not an image")
    of_first, of_spread = (all_steps(runs[name], tmp_path / name) for name in ("first", "spread"))
    for earlier in ("", "first"):
        for then, expected in (("first", of_first), ("spread", of_spread)):
            place = tmp_path / f"{earlier}-{then}"
            if earlier:
                all_steps(runs[earlier], place)
                are_newest(place)
            with pytest.raises(UserError, match="expected an image"):
                process.process(broken / ORIGINAL, place / ORIGINAL, "resize", size=64)
            assert all_steps(runs[then], place) == expected


def test_what_is_done_before_an_end_half_way_is_left_alone(runs, tmp_path):
    broken = shutil.copytree(runs["first"], tmp_path / "broken")
    picture = (broken / ORIGINAL / "3.png").read_bytes()
    (broken / ORIGINAL / "3.png").write_bytes(b"not an image")
    with pytest.raises(UserError, match="expected an image"):
        step(broken, ORIGINAL, tmp_path)
    (broken / ORIGINAL / "3.png").write_bytes(picture)
    assert step(broken, ORIGINAL, tmp_path) == 1


def test_settings_of_an_older_version_tell_no_frames(runs, tmp_path):
    """Its images are made again, as they may be of others; a folder without a sidecar keeps them."""
    expected = all_steps(runs["first"], tmp_path)
    (tmp_path / ORIGINAL / process.SETTINGS).write_text(
        '{"operation":"resize","size":64,"pad":false,"marked":true}\n'
    )
    are_newest(tmp_path)
    foreign = shutil.copytree(runs["man"] / ORIGINAL, tmp_path / "elsewhere")
    assert process.process(foreign, tmp_path / ORIGINAL, "resize", size=64) == 0
    (tmp_path / ORIGINAL / process.SETTINGS).write_text('{"operation":"resize","size":64,"pad":false}\n')
    assert all_steps(runs["first"], tmp_path).items() >= expected.items()
    assert [step(runs["first"], name, tmp_path) for name in FOLDERS] == [0, 0]


def test_a_sidecar_that_does_not_name_all_pictures_is_not_theirs(runs, tmp_path):
    run = shutil.copytree(runs["first"], tmp_path / "run")
    known = sidecar.read_sidecar(run / LANDMARKS)
    known.only(["1.png", "2.png"]).write(run / LANDMARKS)
    step(run, ORIGINAL, tmp_path)
    assert '"frames":{}' in (tmp_path / ORIGINAL / process.SETTINGS).read_text()
    assert len(read(tmp_path / ORIGINAL)) == 3


def test_a_note_that_names_no_video_for_a_frame_is_refused(runs, tmp_path, capsys):
    step(runs["first"], ORIGINAL, tmp_path)
    note = tmp_path / ORIGINAL / process.SETTINGS
    note.write_text(note.read_text().replace('"1":[0,', '"1":[1,'))
    before = made.tree(tmp_path)
    with pytest.raises(UserError, match=r"^expected settings of process\.py, got "):
        step(runs["first"], ORIGINAL, tmp_path)
    assert made.tree(tmp_path) == before
