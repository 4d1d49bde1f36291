"""process.py: what a user can get wrong, and what it never replaces."""

import os
import shutil
import time

import cv2
import pytest

from face2face import pictures
from face2face.target import sidecar
from pix2pix.tools import process
from tests import made
from tests.made import HEIGHT, WIDTH
from tests.scripts.test_process import processed, read
from tests.scripts.test_process_runs import error_of, times


def test_halves_of_different_sizes_are_named(photos, capsys):
    shutil.copytree(photos, right := photos.with_name("right"))
    pictures.write(right / "3.png", made.noise(50, 40))
    error = error_of(
        *(capsys, "--operation", "combine", "--input_dir", photos, "--b_dir", right),
        *("--output_dir", photos.with_name("pairs")),
    )
    assert "expected images of the same size to combine, got 96x72 and 40x50" in error
    assert str(photos / "3.png") in error and str(right / "3.png") in error


def test_a_missing_mate_is_named_and_nothing_is_written(photos, capsys):
    shutil.copytree(photos, right := photos.with_name("right"))
    (right / "5.png").unlink()
    pairs = photos.with_name("pairs")
    error = error_of(
        *(capsys, "--operation", "combine", "--input_dir", photos, "--b_dir", right, "--output_dir", pairs)
    )
    assert f"no image of the name 5 in {right}, to go with {photos / '5.png'}" in error
    assert not pairs.exists()


def test_combine_needs_the_right_halves(photos, capsys):
    error = error_of(
        *(capsys, "--operation", "combine", "--input_dir", photos, "--output_dir", photos.with_name("pairs"))
    )
    assert "combine needs --b_dir, the folder of the right halves" in error


def test_a_broken_picture_is_named(photos, capsys):
    (photos / "2.png").write_text("not an image")
    output = photos.with_name("grey")
    error = error_of(capsys, "--operation", "grayscale", "--input_dir", photos, "--output_dir", output)
    assert "expected an image, got a file that cannot be decoded" in error and str(photos / "2.png") in error
    assert not (output / "2.png").exists()


def test_a_folder_without_pictures(tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    arguments = ["--operation", "grayscale", "--output_dir", tmp_path / "out", "--input_dir"]
    assert "expected images, got none in" in error_of(capsys, *arguments, tmp_path / "empty")
    assert "expected a folder as --input_dir, not found" in error_of(capsys, *arguments, tmp_path / "nowhere")
    assert not (tmp_path / "out").exists()


def test_pictures_are_not_written_over_their_sources(photos, capsys):
    before = made.tree(photos)
    error = error_of(capsys, "--input_dir", photos, "--output_dir", photos, "--operation", "grayscale")
    assert f"expected another path as --output_dir than as --input_dir, got {photos} for both" in error
    assert made.tree(photos) == before


@pytest.mark.parametrize("place", ["right", "link", "."], ids=["itself", "a link to it", "a folder above"])
def test_pairs_are_not_written_over_their_halves(photos, place, capsys):
    root = photos.parent
    shutil.copytree(photos, root / "right")
    (root / "link").symlink_to(root / "right")
    before = made.tree(root)
    error = error_of(
        *(capsys, "--operation", "combine", "--input_dir", photos, "--b_dir", root / "right"),
        *("--output_dir", root / place),
    )
    assert "--output_dir" in error and made.tree(root) == before


@pytest.mark.parametrize("operation", ["grayscale", "combine"])
def test_two_pictures_of_one_name_are_named(photos, operation, capsys):
    """In either folder: both would become 1.png."""
    right = shutil.copytree(photos, photos.with_name("right"))
    doubled = photos if operation == "grayscale" else right
    pictures.write(doubled / "1.jpg", made.noise(HEIGHT, WIDTH, seed=50))
    before = made.tree(photos.parent)
    rights = ("--b_dir", right) if operation == "combine" else ()
    error = error_of(
        *(capsys, "--operation", operation, "--input_dir", photos, *rights),
        *("--output_dir", photos.with_name("out")),
    )
    assert "expected one image named 1, got two: " in error
    assert str(doubled / "1.png") in error and str(doubled / "1.jpg") in error
    assert made.tree(photos.parent) == before


@pytest.mark.parametrize("earlier", [False, True], ids=["a first run", "a second run"])
@pytest.mark.parametrize(
    "foreign",
    [
        lambda path: cv2.imwrite(str(path), made.noise(8, 8)),
        lambda path: path.write_text("notes"),
        lambda path: path.mkdir(),
    ],
    ids=["a picture", "notes", "a folder"],
)
def test_what_it_did_not_make_is_not_replaced(photos, foreign, earlier, capsys):
    output = photos.with_name("photos-grayscale")
    output.mkdir()
    if earlier:
        processed(photos, "grayscale")
        (output / "5.png").unlink()
    foreign(output / "5.png")
    before = made.tree(photos.parent)
    later = time.time() + 10
    os.utime(photos / "5.png", (later, later))
    error = error_of(capsys, "--operation", "grayscale", "--input_dir", photos, "--output_dir", output)
    assert str(output / "5.png") in error
    assert made.tree(photos.parent) == before


def test_pictures_that_another_tool_of_the_project_made_are_not_replaced(photos, capsys):
    other = shutil.copytree(photos, photos.with_name("original"))
    before = made.tree(photos.parent)
    error = error_of(capsys, "--operation", "grayscale", "--input_dir", photos, "--output_dir", other)
    assert "expected a new file, or an older one of this kind to replace" in error
    assert made.tree(photos.parent) == before


def test_pictures_of_older_versions_are_replaced_where_their_settings_stand_beside_them(photos):
    """They do not name their maker."""
    output = photos.with_name("photos-grayscale")
    output.mkdir()
    (output / process.SETTINGS).write_text('{"operation": "grayscale"}')
    cv2.imwrite(str(output / "5.png"), made.noise(8, 8))
    os.utime(output / "5.png", (1, 1))
    assert processed(photos, "grayscale")["5.png"].shape == (HEIGHT, WIDTH, 3)
    pictures.write(photos / "5.png", made.noise(HEIGHT, 2 * WIDTH, seed=50))  # again: still trusted
    os.utime(output / "5.png", (1, 1))
    assert processed(photos, "grayscale")["5.png"].shape == (HEIGHT, 2 * WIDTH, 3)


def test_a_folder_in_the_place_of_the_settings_stays(photos, capsys):
    output = photos.with_name("grey")
    (output / process.SETTINGS).mkdir(parents=True)
    (output / process.SETTINGS / "notes.txt").write_text("notes")
    before = made.tree(output)
    error = error_of(capsys, "--operation", "grayscale", "--input_dir", photos, "--output_dir", output)
    assert f"expected a file of settings, got something else: {output / process.SETTINGS}" in error
    assert made.tree(output) == before


def test_another_sidecar_is_not_replaced(photos, capsys):
    entry = sidecar.Entry(0, 0, made.points(HEIGHT))
    video = sidecar.Video("made.mp4", (WIDTH, HEIGHT), 25.0, None)
    sidecar.Sidecar([video], {"1.png": entry}).write(photos)
    output = photos.with_name("grey")
    output.mkdir()
    sidecar.Sidecar([video], {"9.png": entry}).write(output)
    before = made.tree(output)
    error = error_of(capsys, "--operation", "grayscale", "--input_dir", photos, "--output_dir", output)
    assert str(output / sidecar.SIDECAR_NAME) in error and made.tree(output) == before


@pytest.mark.parametrize("size", ["40000", "0", "-1", "1e3", str(2**63)])
def test_a_size_out_of_range_is_refused(photos, size, capsys):
    arguments = ("--operation", "resize", "--input_dir", photos, "--output_dir", photos.with_name("out"))
    error = error_of(capsys, *arguments, f"--size={size}")
    assert f"expected a whole number from 1 to 4,096, got '{size}'" in error
    assert not photos.with_name("out").exists()


def test_a_small_file_that_claims_to_hold_a_huge_picture(photos, capsys):
    (photos / "3.png").write_bytes(made.claimed_png(50_000, 50_000))
    output = photos.with_name("grey")
    error = error_of(capsys, "--operation", "grayscale", "--input_dir", photos, "--output_dir", output)
    assert error.startswith("error: expected an image") and str(photos / "3.png") in error
    assert not (output / "3.png").exists()


def test_pairs_that_could_not_be_read_again_are_not_made(photos, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(pictures, "MAX_PIXELS", 2 * WIDTH * HEIGHT - 1)
    right, output = shutil.copytree(photos, tmp_path / "right"), tmp_path / "pairs"
    error = error_of(
        *(capsys, "--operation", "combine", "--input_dir", photos, "--b_dir", right, "--output_dir", output)
    )
    assert f"expected pairs of at most {2 * WIDTH * HEIGHT - 1:,} pixels, got {2 * WIDTH}x{HEIGHT}: " in error


def test_a_full_disk_leaves_no_part_of_a_picture(photos):
    """Instead of it, a limit to the size of files."""
    output = photos.with_name("large")
    arguments = ("--operation", "resize", "--size", 512, "--input_dir", photos, "--output_dir", output)
    result = made.run_script("pix2pix/tools/process.py", *arguments, max_file=20_000)
    *_, error = result.stderr.splitlines()
    assert result.returncode == 2 and error.startswith("error: File too large")
    assert not read(output) and [path.name for path in output.iterdir()] == [process.SETTINGS]


def test_pictures_made_with_other_settings_are_not_mixed(photos, capsys):
    output = photos.with_name("small")
    arguments = ["--input_dir", photos, "--output_dir", output, "--operation", "resize", "--size"]
    assert made.edge(process.main, *arguments, 32) == 0
    capsys.readouterr()
    before = times(output)
    error = error_of(capsys, *arguments, 48)
    assert f"{output} holds images made with" in error and '"size":32' in error
    assert times(output) == before


def test_a_damaged_note_of_the_settings_is_named(photos, capsys):
    output = photos.with_name("small")
    output.mkdir()
    for content in (b"", b"{", b"[]", b"\xff\0", b'{"operation": 1}'):
        (output / process.SETTINGS).write_bytes(content)
        error = error_of(capsys, "--input_dir", photos, "--output_dir", output, "--operation", "grayscale")
        assert f"expected settings of process.py, got {output / process.SETTINGS} (" in error


def test_images_of_an_earlier_target_are_not_mixed_with_a_new_one(photos, capsys):
    """Of a longer clip, whose further images would be combined and trained on."""
    output = photos.with_name("grey")
    arguments = ["--input_dir", photos, "--output_dir", output, "--operation", "grayscale"]
    assert made.edge(process.main, *arguments) == 0
    (output / "train").mkdir()
    (output / "6.png").rename(output / "train" / "6.png")  # as split.py does
    cv2.imwrite(str(output / "of-the-user.png"), made.noise(8, 8))
    for name in ("5.png", "6.png"):
        (photos / name).unlink()
    capsys.readouterr()
    before = times(output)
    error = error_of(capsys, *arguments)
    assert f"expected the images of {photos} in {output}, got 2 that earlier ones have left there" in error
    assert f"{output}/5.png" in error
    assert times(output) == before
    for path in (output / "5.png", output / "train" / "6.png"):
        path.unlink()
    assert made.edge(process.main, *arguments) == 0
