"""Recordings play, with the time stamps they were given, also when the program is killed."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import pytest

from face2face import sinks
from face2face.cli import UserError
from face2face.video import open_source
from pix2pix import images
from tests import made

SIDE = 64

ENDLESS = f"""
import sys
sys.path.insert(0, {str(made.ROOT)!r})
from pathlib import Path
import numpy as np
from face2face.sinks import open_recording

recording = open_recording(Path(sys.argv[1]), 25.0)
number = 0
while True:
    recording.write(np.full(({SIDE}, {2 * SIDE}, 3), number % 200, np.uint8), number / 25)
    number += 1
    print(number, flush=True)
"""


def level(number: int) -> np.ndarray:
    picture = np.full((SIDE, 2 * SIDE, 3), 20 * number, np.uint8)
    picture[:, SIDE:] = (200, 60, 20)  # its colours tell RGB from BGR
    return picture


def record(path: Path, count: int = 10, seconds=lambda number: number / 25) -> None:
    recording = sinks.open_recording(path, 25.0)
    for number in range(count):
        recording.write(level(number), seconds(number))
    recording.close()


def played(path: Path) -> list:
    with av.open(str(path)) as container:
        return [(float(frame.time), frame.to_ndarray(format="rgb24")) for frame in container.decode(video=0)]


@pytest.mark.parametrize("ending", sorted(sinks.CODECS))
def test_a_recording_plays_what_was_written(tmp_path, ending):
    path = tmp_path / "new" / f"out{ending}"
    record(path)
    frames = played(path)
    assert len(frames) == 10
    for number, (seconds, picture) in enumerate(frames):
        assert seconds == pytest.approx(number / 25, abs=0.002)
        assert np.abs(picture.astype(int) - level(number)).mean() < 5


def test_a_recording_is_read_by_our_own_source(tmp_path):
    record(tmp_path / "out.mp4")
    with open_source(str(tmp_path / "out.mp4")) as source:
        assert len(list(source.frames())) == 10


@pytest.mark.parametrize("ending", sorted(sinks.CODECS))
def test_a_recording_says_that_it_is_synthetic(tmp_path, ending):
    record(tmp_path / f"out{ending}")
    with av.open(str(tmp_path / f"out{ending}")) as container:
        said = {key.lower(): value for key, value in container.metadata.items()}
    assert said["comment"] == sinks.MADE_BY and "AI-generated" in sinks.MADE_BY


def test_frames_keep_their_own_times(tmp_path):
    """A camera's frames come when they come."""
    times = [0.0, 0.03, 0.2, 0.21, 0.9]
    record(tmp_path / "out.mp4", 5, times.__getitem__)
    assert [seconds for seconds, _ in played(tmp_path / "out.mp4")] == pytest.approx(times, abs=0.002)


def test_times_that_stand_still_lose_no_frame(tmp_path):
    record(tmp_path / "out.mp4", 6, lambda number: 0.0)
    assert len(played(tmp_path / "out.mp4")) == 6


@pytest.mark.parametrize("ending", [".mp4", ".mov", ".mkv"])
@pytest.mark.skipif(os.name == "nt", reason="Windows knows no SIGKILL")
def test_a_recording_plays_after_a_kill(tmp_path, ending):
    path = tmp_path / f"out{ending}"
    process = subprocess.Popen([sys.executable, "-c", ENDLESS, path], stdout=subprocess.PIPE, text=True)
    for line in process.stdout:
        if int(line) == 150:
            process.send_signal(signal.SIGKILL)
            break
    assert process.wait(timeout=30) == -signal.SIGKILL
    assert len(played(path)) >= 60


def test_nothing_recorded_leaves_no_file(tmp_path):
    record(tmp_path / "out.mp4", 0)
    assert not list(tmp_path.iterdir())


def test_a_folder_gets_pngs(tmp_path):
    record(tmp_path / "out", 3)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["1.png", "2.png", "3.png"]
    assert np.array_equal(images.read(tmp_path / "out" / "3.png"), level(2))


def test_a_folder_with_data_is_left_alone(tmp_path):
    (tmp_path / "mine.txt").touch()
    with pytest.raises(UserError, match="expected an empty folder to record to, got one that holds data"):
        sinks.open_recording(tmp_path, 25.0)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_an_ending_that_is_none(tmp_path):
    with pytest.raises(UserError, match=r"expected a recording of \.mp4, .* or a folder, got .*out\.docx"):
        sinks.open_recording(tmp_path / "out.docx", 25.0)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other systems always have a screen")
@pytest.mark.parametrize("display", [None, "", ":4711", "nonsense"])
def test_no_screen(monkeypatch, display):
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.delenv("DISPLAY", raising=False)
    if display is not None:
        monkeypatch.setenv("DISPLAY", display)
    assert not sinks.has_screen()
