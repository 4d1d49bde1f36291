"""Pairs from real clips: which frames, what is cut out of them, what is drawn; and what can go wrong."""

import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

import generate_train_data
from face2face import pictures
from face2face.face.drawing import draw
from face2face.face.geometry import interocular_distance
from face2face.face.landmarks import LandmarkDetector
from face2face.sources.open import open_source
from face2face.target import pairs as pairs_on_disk
from face2face.target.sidecar import read_sidecar
from tests import made
from tests.made import edge

COUNT = 12


@pytest.fixture(scope="module")
def clip(clips) -> Path:
    return clips / "single_face.mp4"


def generate(folder: Path, clip, *arguments) -> int:
    return edge(generate_train_data.main, "--output-dir", folder, "--file", clip, *arguments)


@pytest.fixture(scope="module")
def pairs(clip, tmp_path_factory) -> tuple[Path, str]:
    """The output of the tutorial's command, and what it said."""
    folder = tmp_path_factory.mktemp("pairs")
    result = made.run_script(made.ROOT / "generate_train_data.py", "--file", clip, "--num", COUNT, cwd=folder)
    assert result.returncode == 0, result.stderr
    return folder, result.stdout


def frames_of(folder: Path) -> list[int]:
    return [entry.frame for entry in read_sidecar(folder / "landmarks").images.values()]


def everything(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


# --- what is written ------------------------------------------------------------------------------------


def test_two_folders_of_same_named_pictures(pairs):
    folder, _ = pairs
    names = [f"{i}.png" for i in range(1, COUNT + 1)]
    assert sorted(path.name for path in (folder / "original").iterdir()) == sorted(names)
    assert sorted(path.name for path in (folder / "landmarks").iterdir()) == sorted(
        [*names, "landmarks.json"]
    )
    assert sorted(path.name for path in folder.iterdir()) == ["landmarks", "original"]
    for name in names:
        assert (
            pictures.read(folder / "original" / name).shape
            == pictures.read(folder / "landmarks" / name).shape
        )


def test_the_face_in_each_picture_is_where_it_is_drawn(pairs):
    """Found again in what was cut out."""
    folder, _ = pairs
    detector = LandmarkDetector()
    for name, entry in read_sidecar(folder / "landmarks").images.items():
        found = detector.find(cv2.imread(str(folder / "original" / name))).points
        assert np.linalg.norm(found - entry.points, axis=1).mean() < 0.05 * interocular_distance(entry.points)
        drawing = pictures.read(folder / "landmarks" / name)
        again = draw(entry.points, len(drawing), "colour", irises=entry.irises)
        assert np.abs(again.astype(int) - drawing).mean() < 0.1


def test_the_pictures_are_the_videos_frames(pairs, clip):
    folder, _ = pairs
    sidecar = read_sidecar(folder / "landmarks")
    (video,) = sidecar.videos
    known = video.name, tuple(video.frame_size), video.fps, video.frame_count
    assert known == ("single_face.mp4", (640, 360), 30.0, 72)
    left, top, side = video.crop_box
    numbers = {entry.frame: name for name, entry in sidecar.images.items()}
    with open_source(str(clip)) as source:
        for frame in source.frames(numbers):
            cut = frame.picture[top : top + side, left : left + side]
            assert np.array_equal(cv2.imread(str(folder / "original" / numbers[frame.number])), cut)


def test_the_window_holds_the_face_with_hair_and_neck(pairs):
    folder, _ = pairs
    sidecar = read_sidecar(folder / "landmarks")
    side = sidecar.videos[0].crop_box[2]
    points = np.array([entry.points for entry in sidecar.images.values()])
    assert points.min() > 0 and points.max() < side
    height = np.ptp(points[0, :, 1])
    assert points[..., 1].min() > 0.3 * height and side < 2.6 * height


def test_it_ends_with_a_summary(pairs):
    _, said = pairs
    summary = said.splitlines()[-1]
    match = re.fullmatch(
        r"frames read (\d+), faces found (\d+), without a face (\d+), pairs written (\d+), ([\d.]+) frames/s",
        summary,
    )
    read, found, without, written = (int(number) for number in match.groups()[:4])
    assert read == found + without and written == COUNT


def test_the_same_again(pairs, clip, tmp_path):
    assert generate(tmp_path, clip, "--num", COUNT) == 0
    assert everything(tmp_path) == everything(pairs[0])


# --- which frames ---------------------------------------------------------------------------------------


def test_frames_spread_over_the_video(clip, tmp_path, capsys):
    with open_source(str(clip)) as source:
        last = source.frame_count - 1
    assert generate(tmp_path, clip, "--num", COUNT, "--select", "spread") == 0
    frames = frames_of(tmp_path)
    assert frames[0] <= 0.1 * last and frames[-1] >= 0.9 * last
    assert max(np.diff(frames)) <= 3 * last / COUNT
    read = int(re.search(r"frames read (\d+)", capsys.readouterr().out)[1])
    assert read <= 2 * COUNT  # few of the clip's frames are looked at


def test_the_first_frames(clip, tmp_path):
    assert generate(tmp_path, clip, "--num", 5, "--select", "first") == 0
    assert frames_of(tmp_path) == [0, 1, 2, 3, 4]


def test_a_part_of_the_video(clips, tmp_path):
    """Of its 24 frames a second."""
    arguments = ["--num", 6, "--start", 12, "--end", 14]
    assert generate(tmp_path, clips / "WolfgangLanger_Pexels.mp4", *arguments) == 0
    assert min(frames_of(tmp_path)) >= 287 and max(frames_of(tmp_path)) <= 336


def test_frames_without_a_face_are_skipped(clips, tmp_path, capsys):
    """From second 2.4 on there is nobody."""
    assert generate(tmp_path, clips / "face_noface.mov", "--num", 8, "--start", 2, "--end", 2.9) == 0
    said = capsys.readouterr().out
    without, written = (
        int(re.search(rf"{what} (\d+)", said)[1]) for what in ("without a face", "pairs written")
    )
    assert without > 0 and written == 8
    detector = LandmarkDetector()
    assert all(detector.find(cv2.imread(str(path))) for path in (tmp_path / "original").iterdir())


def test_fewer_than_wanted_is_a_warning(clip, tmp_path, capsys):
    assert generate(tmp_path, clip, "--num", 400, "--end", 0.5) == 0
    error = capsys.readouterr().err
    count = len(frames_of(tmp_path))
    assert f"warning: expected 400 pairs, got {count}: no more usable frames with a face" in error
    assert 5 < count < 30


def test_several_videos_of_one_person(clip, tmp_path):
    other = tmp_path / "other.mp4"
    shutil.copy(clip, other)
    assert generate(tmp_path, clip, other, "--num", 8, "--end", 1) == 0
    sidecar = read_sidecar(tmp_path / "landmarks")
    assert [video.name for video in sidecar.videos] == [clip.name, other.name]
    assert {entry.video for entry in sidecar.images.values()} == {0, 1}
    assert len(sidecar.images) == 8


# --- how ------------------------------------------------------------------------------------------------


def test_whole_frames(clip, tmp_path):
    assert generate(tmp_path, clip, "--num", 2, "--crop", "none") == 0
    assert pictures.read(tmp_path / "original" / "1.png").shape == (360, 640, 3)
    assert read_sidecar(tmp_path / "landmarks").videos[0].crop_box is None
    entry = read_sidecar(tmp_path / "landmarks").images["1.png"]
    drawing = pictures.read(tmp_path / "landmarks" / "1.png")
    assert min(drawing[round(float(y)), round(float(x))].max() for x, y in entry.points) > 100


def test_the_originals_drawings(clip, tmp_path):
    assert generate(tmp_path, clip, "--num", 2, "--drawing", "white") == 0
    entry = read_sidecar(tmp_path / "landmarks").images["1.png"]
    drawing = pictures.read(tmp_path / "landmarks" / "1.png")
    assert read_sidecar(tmp_path / "landmarks").drawing == "original"
    assert np.abs(drawing.astype(int) - draw(entry.points, len(drawing), "original", 3)).mean() < 0.1
    assert entry.line_width == 3


def test_a_preview(clip, tmp_path):
    assert generate(tmp_path, clip, "--num", 5, "--preview") == 0
    sheet = cv2.imread(str(tmp_path / "preview.png"))
    side = pairs_on_disk.PREVIEW_SIDE
    filled = [sheet[: 2 * side, i * side : (i + 1) * side].any() for i in range(6)]
    assert filled == [True] * 5 + [False]


# --- what can go wrong ----------------------------------------------------------------------------------


def test_data_is_not_mixed_with_older_data(pairs, clip, tmp_path, capsys):
    generate(tmp_path, clip, "--num", 2, "--select", "first")
    before = everything(tmp_path)
    capsys.readouterr()
    assert generate(tmp_path, clip, "--num", 3) == 2
    assert f"error: {tmp_path / 'original'} holds data already" in capsys.readouterr().err
    assert everything(tmp_path) == before
    assert generate(tmp_path, clip, "--num", 3, "--overwrite") == 0
    assert len(list((tmp_path / "original").iterdir())) == 3


def test_no_face_at_all_leaves_nothing(clips, tmp_path, capsys):
    assert generate(tmp_path / "out", clips / "no_face.mp4", "--num", 5, "--end", 0.5) == 2
    *_, error = capsys.readouterr().err.splitlines()
    assert re.fullmatch(r"error: expected a face, got none in the \d+ frames read of no_face\.mp4", error)
    assert not (tmp_path / "out").exists()


def test_no_face_replaces_nothing(clips, clip, tmp_path):
    generate(tmp_path, clip, "--num", 2, "--select", "first")
    before = everything(tmp_path)
    assert generate(tmp_path, clips / "no_face.mp4", "--end", 0.3, "--overwrite") == 2
    assert everything(tmp_path) == before


@pytest.mark.parametrize(
    "arguments, message",
    [
        (
            ["--file", "nowhere.mp4"],
            "expected a video file, a camera's number, a stream's address or a folder",
        ),
        (["--file", "77"], "camera 77 cannot be opened"),
        ([], "the following arguments are required: --file"),
        (["--file", "{clip}", "--num", "0"], "argument --num: expected a whole number above 0, got '0'"),
        (["--file", "{clip}", "--select", "best"], "argument --select: invalid choice: 'best'"),
        (
            ["--file", "{clip}", "--landmark-model", "nowhere.dat"],
            "the landmark model not found: nowhere.dat",
        ),
        (["--file", "{clip}", "--start", "5", "--end", "2"], "expected --end after --start"),
        (
            ["--file", "{clip}", "--output-dir", "{clip}"],
            "expected a folder's name to write to, got a file: ",
        ),
        (["--file", "{clip}", "--start", "9999"], "got none in the 0 frames read of single_face.mp4"),
        (["--file", "{clip}", "{clip}", "--start", "9999"], "before the end of single_face.mp4, got 9999"),
    ],
)
def test_wrong_arguments(arguments, message, clip, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert edge(generate_train_data.main, *(word.format(clip=clip) for word in arguments)) == 2
    *_, error = capsys.readouterr().err.splitlines()
    assert error.startswith("error: ") and message in error
    assert not list(tmp_path.iterdir())


def test_ctrl_c_leaves_nothing_half_written(clips, tmp_path):
    script = [sys.executable, str(made.ROOT / "generate_train_data.py"), "--num", "400", "--select", "first"]
    command = [*script, "--file", str(clips / "WolfgangLanger_Pexels.mp4")]
    process = made.start(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    for line in process.stderr:
        if line.startswith("finding faces in "):
            process.send_signal(signal.SIGINT)
            break
    assert process.wait(timeout=60) == 130
    assert process.stderr.read().splitlines()[-1] == "interrupted"
    assert not list(tmp_path.iterdir())
