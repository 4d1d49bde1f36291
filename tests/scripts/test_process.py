import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from face2face import pictures
from face2face.cli import UserError
from face2face.face.drawing import LINE_WIDTH, draw
from face2face.target import sidecar
from pix2pix.tools import process
from tests import made
from tests.made import HEIGHT, WIDTH


@pytest.fixture
def drawings(photos) -> Path:
    """Their drawings, with a sidecar."""
    folder = photos.with_name("drawings")
    folder.mkdir()
    video = sidecar.Video("made.mp4", (WIDTH, HEIGHT), 25.0, None)
    beside = sidecar.Sidecar([video], drawing="colour")
    for path in photos.iterdir():
        points = made.points(HEIGHT, seed=int(path.stem)) + np.float32([12, 0])
        beside.images[path.name] = sidecar.Entry(0, 7 * int(path.stem), points)
        square = draw(points, WIDTH, beside.drawing, HEIGHT * LINE_WIDTH)
        pictures.write(folder / path.name, square[:HEIGHT])
    beside.write(folder)
    return folder


def read(folder: Path) -> dict[str, np.ndarray]:
    return {path.name: pictures.read(path) for path in sorted(folder.glob("*.png"))}


def processed(input_dir: Path, operation: str, **settings) -> dict[str, np.ndarray]:
    output = input_dir.with_name(f"{input_dir.name}-{operation}")
    process.process(input_dir, output, operation, **settings)
    return read(output)


# --- the operations -------------------------------------------------------------------------------------


def test_resize_takes_the_middle_square(photos):
    result = processed(photos, "resize", size=36)
    for name, picture in read(photos).items():
        middle = picture[:, 12:84].reshape(36, 2, 36, 2, 3).mean(axis=(1, 3))
        assert np.abs(result[name] - middle).max() <= 1


def test_resize_with_pad_keeps_the_whole_picture_on_black(photos):
    result = processed(photos, "resize", size=WIDTH, pad=True)
    for name, picture in read(photos).items():
        assert result[name].shape == (WIDTH, WIDTH, 3)
        assert np.array_equal(result[name][12:84], picture)
        assert not result[name][:12].any() and not result[name][84:].any()


def test_resize_to_256_is_the_default(photos):
    assert processed(photos, "resize")["1.png"].shape == (256, 256, 3)


def test_combine_puts_b_on_the_right(photos):
    shutil.copytree(photos, right := photos.with_name("right"))
    pictures.write(right / "1.png", made.noise(HEIGHT, WIDTH, seed=99))
    result = processed(photos, "combine", b_dir=right)
    assert np.array_equal(result["1.png"][:, :WIDTH], pictures.read(photos / "1.png"))
    assert np.array_equal(result["1.png"][:, WIDTH:], pictures.read(right / "1.png"))
    assert len(result) == 6


def test_combine_finds_the_right_half_whatever_its_ending(photos, tmp_path):
    right = tmp_path / "right"
    right.mkdir()
    for path in photos.iterdir():
        pictures.write(right / f"{path.stem}.jpg", pictures.read(path))
    assert len(processed(photos, "combine", b_dir=right)) == 6


def test_grayscale_is_the_eyes_brightness(photos):
    for name, grey in processed(photos, "grayscale").items():
        brightness = pictures.read(photos / name) @ np.array([0.299, 0.587, 0.114])
        assert np.abs(grey - brightness[..., None]).max() <= 1


def test_blank_covers_what_the_original_does(tmp_path):
    """Rows and columns 90 to 165 of 256."""
    picture = np.full((256, 256, 3), 50, np.uint8)
    pictures.write(tmp_path / "photos/1.png", picture)
    blanked = processed(tmp_path / "photos", "blank")["1.png"]
    picture[90:166, 90:166] = 255
    assert np.array_equal(blanked, picture)


def test_blank_is_for_square_images(photos, capsys):
    arguments = ("--input_dir", photos, "--output_dir", photos.with_name("out"), "--operation", "blank")
    assert made.edge(process.main, *arguments) == 2
    assert f"got {WIDTH}x{HEIGHT} (--operation resize first): {photos}" in capsys.readouterr().err


def test_hed_is_not_promised(photos, capsys):
    """The original's `edges` is a network; Canny's edges are named for what they are."""
    arguments = ("--input_dir", photos, "--output_dir", photos.with_name("out"), "--operation", "edges")
    assert made.edge(process.main, *arguments) == 2
    assert "expected canny, got edges, which in the original trainer is a network (HED)" in (
        capsys.readouterr().err
    )


def test_edges_of_older_versions_are_kept(photos):
    """In a folder whose settings have the older name, nothing is made again."""
    output = photos.with_name("photos-canny")
    made_first = processed(photos, "canny")
    settings = output / process.SETTINGS
    settings.write_text(settings.read_text().replace("canny", "edges"))
    before = made.tree(output)
    assert processed(photos, "canny").keys() == made_first.keys() and made.tree(output) == before


def test_edges_are_black_lines_where_brightness_jumps(tmp_path):
    folder = tmp_path / "step"
    folder.mkdir()
    step = np.full((40, 60, 3), 50, np.uint8)
    step[:, 30:] = 200
    pictures.write(folder / "1.png", step)
    lines = processed(folder, "canny")["1.png"]
    assert set(np.unique(lines)) == {0, 255}
    black = np.flatnonzero((lines[20] == 0).all(axis=-1))
    assert len(black) and np.abs(black - 29.5).max() <= 2


def test_other_formats_become_png(tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    pictures.write(folder / "1.jpg", made.noise(40, 40))
    assert list(processed(folder, "grayscale")) == ["1.png"]


# --- drawings and their sidecar -------------------------------------------------------------------------


@pytest.mark.parametrize("pad", [False, True])
def test_drawings_are_drawn_anew_from_their_points(drawings, pad):
    result = processed(drawings, "resize", size=48, pad=pad)
    before = sidecar.read_sidecar(drawings)
    for name, drawing in result.items():
        side, corner = (96, (0, -12)) if pad else (72, (12, 0))
        points = (before.images[name].points + 0.5 - corner) * 48 / side - 0.5
        assert np.array_equal(drawing, draw(points.astype(np.float32), 48, "colour"))


def test_the_sidecar_is_scaled_with_the_drawings(drawings):
    """What is written beside the resized drawings draws them."""
    result = processed(drawings, "resize", size=128)
    beside = sidecar.read_sidecar(drawings.with_name("drawings-resize"))
    assert beside.videos == sidecar.read_sidecar(drawings).videos
    assert beside.images["3.png"].frame == 21
    for name, drawing in result.items():
        again = draw(beside.images[name].points, 128, beside.drawing).astype(int)
        assert np.abs(again - drawing).mean() < 0.1


def test_combine_hands_the_sidecar_on(photos, drawings):
    processed(drawings, "combine", b_dir=photos)
    before, after = (
        sidecar.read_sidecar(drawings),
        sidecar.read_sidecar(drawings.with_name("drawings-combine")),
    )
    assert after.images.keys() == before.images.keys()
    assert np.allclose(after.images["2.png"].points, before.images["2.png"].points, atol=1e-3)


def changed_sidecar(folder: Path, **changes) -> None:
    found = sidecar.read_sidecar(folder)
    sidecar.Sidecar([replace(found.videos[0], **changes)], found.images, found.drawing).write(folder)


def test_drawings_of_other_frames_are_made_again_whatever_their_times(drawings):
    before = processed(drawings, "resize", size=64)
    found = sidecar.read_sidecar(drawings)
    found.images["2.png"] = replace(found.images["5.png"], frame=99)
    found.write(drawings)
    after = processed(drawings, "resize", size=64)
    assert [name for name in after if not np.array_equal(after[name], before[name])] == ["2.png"]
    assert np.array_equal(after["2.png"], after["5.png"])


@pytest.mark.parametrize(
    "changes", [{"name": "somebody-else.mp4"}, {"frame_size": (640, 480)}, {"frame_count": 99}]
)
def test_drawings_of_another_video_do_not_join_the_earlier_ones(drawings, changes):
    changed_sidecar(drawings, frame_count=42)
    processed(drawings, "resize", size=64)
    output = drawings.with_name("drawings-resize")
    before = made.tree(output)
    changed_sidecar(drawings, **changes)
    expected = rf"expected images of made\.mp4, as in {output}, got images of another video, "
    with pytest.raises(UserError, match=expected):
        processed(drawings, "resize", size=64)
    assert made.tree(output) == before


def test_drawings_of_an_older_version_which_tells_no_length_are_the_same_targets(drawings):
    before = processed(drawings, "resize", size=64)
    changed_sidecar(drawings, frame_count=42)
    assert processed(drawings, "resize", size=64).keys() == before.keys()


def test_drawings_of_a_video_whose_length_was_told_less_exactly_are_the_same_targets(drawings):
    """As for a training in the same folder."""
    changed_sidecar(drawings, frame_count=4200)
    before = processed(drawings, "resize", size=64)
    changed_sidecar(drawings, frame_count=4201)
    assert processed(drawings, "resize", size=64).keys() == before.keys()


def test_drawings_that_get_too_small_are_refused_before_the_work(drawings):
    with pytest.raises(
        UserError, match=r"expected the landmarks of faces, got eyes that are 0\.\d pixels apart"
    ):
        processed(drawings, "resize", size=1)
    assert not drawings.with_name("drawings-resize").exists()
