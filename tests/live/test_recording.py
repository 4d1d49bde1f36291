"""Recordings play, with the time stamps they were given, also when the program is killed."""

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import pytest

from face2face import pictures
from face2face.cli import UserError
from face2face.output import recording
from face2face.output.image_folder import ImageFolder
from face2face.output.recorder import Recorder
from face2face.sources.open import open_source
from tests import made

SIDE = 64

ENDLESS = f"""
import sys
sys.path.insert(0, {str(made.ROOT)!r})
from pathlib import Path
import numpy as np
from face2face.output.recording import open_recording

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
    out = recording.open_recording(path, 25.0)
    for number in range(count):
        out.write(level(number), seconds(number))
    out.close()


def played(path: Path) -> list:
    with av.open(str(path)) as container:
        return [(float(frame.time), frame.to_ndarray(format="rgb24")) for frame in container.decode(video=0)]


@pytest.mark.parametrize("ending", sorted(recording.CODECS))
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
    assert np.array_equal(pictures.read(tmp_path / "out" / "3.png"), level(2))


def test_a_folder_with_data_is_left_alone(tmp_path):
    (tmp_path / "mine.txt").touch()
    with pytest.raises(UserError, match="expected an empty folder to record to, got one that holds data"):
        recording.open_recording(tmp_path, 25.0)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_an_ending_that_is_none(tmp_path):
    with pytest.raises(UserError, match=r"expected a recording of \.mp4, .* or a folder, got .*out\.docx"):
        recording.open_recording(tmp_path / "out.docx", 25.0)


@pytest.mark.parametrize("ending", [".mp4", ".gif"])
def test_a_recording_begins_at_0_wherever_its_source_is(tmp_path, ending):
    record(tmp_path / f"out{ending}", 4, lambda number: 7.3 + number / 25)
    seconds = [seconds for seconds, _ in played(tmp_path / f"out{ending}")]
    assert seconds == pytest.approx([0, 0.04, 0.08, 0.12], abs=0.002)


def test_a_gif_shows_no_picture_shorter_than_browsers_do(tmp_path):
    record(tmp_path / "out.gif", 10, lambda number: number / 100)
    seconds = [seconds for seconds, _ in played(tmp_path / "out.gif")]
    assert seconds == pytest.approx([0, 0.02, 0.04, 0.06, 0.08], abs=0.001)


def test_a_large_picture_is_made_smaller_for_a_gif(tmp_path):
    out = recording.open_recording(tmp_path / "out.gif", 25.0)
    out.write(np.zeros((300, 600, 3), np.uint8), 0.0)
    out.close()
    ((_, picture),) = played(tmp_path / "out.gif")
    assert picture.shape == (256, recording.GIF_WIDTH, 3)


def test_pictures_of_another_size_are_fitted_into_the_first_ones(tmp_path):
    out = recording.open_recording(tmp_path / "out.mp4", 25.0)
    out.write(level(1), 0.0)
    out.write(np.full((SIDE, SIDE, 3), 200, np.uint8), 0.04)
    out.close()
    _, (_, second) = played(tmp_path / "out.mp4")
    assert second.shape == (SIDE, 2 * SIDE, 3)
    assert second[:, SIDE // 2 + 4 : -SIDE // 2 - 4].mean() == pytest.approx(200, abs=3)
    assert second[:, : SIDE // 2 - 4].mean() < 3 and second[:, -SIDE // 2 + 4 :].mean() < 3


# --- disks that are full ------------------------------------------------------------------------------------

LIMITED = f"""
import resource, signal, sys
sys.path.insert(0, {str(made.ROOT)!r})
from pathlib import Path
import numpy as np
from face2face.output.recording import open_recording

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
recording = open_recording(Path(sys.argv[1]), 25.0)
rng = np.random.default_rng(0)
written = 0
try:
    for number in range(1000):
        recording.write(rng.integers(0, 256, ({SIDE}, {2 * SIDE}, 3), np.uint8), number / 25)
        written += 1
except OSError as error:
    print(error.strerror)
try:
    recording.close()
except OSError:
    pass
print(written)
"""


@pytest.mark.parametrize("ending", [*sorted(recording.CODECS), ""])
@pytest.mark.skipif(os.name == "nt", reason="Windows knows no limit of a file's size")
def test_where_no_more_can_be_written_an_error_says_so_and_the_rest_plays(tmp_path, ending):
    path = tmp_path / f"out{ending}"
    code = LIMITED if ending else LIMITED.replace("200_000, 200_000", "1000, 1000")
    result = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stderr
    reason, written = result.stdout.split("\n")[:2]
    assert reason == os.strerror(errno.EFBIG)
    if ending:
        assert 5 < int(written) < 1000
        assert len(played(path)) >= 5
    else:
        assert not list(path.iterdir())  # no half picture


def begin(path: Path, count: int) -> Recorder:
    """A recording that has not ended."""
    recorder = Recorder(25.0, path=path)
    recorder.begin()
    for i in range(count):
        recorder.write(level(i % 10), i / 25)
    return recorder


@pytest.mark.parametrize("ending", [".mp4", ".mkv", ".gif"])
def test_a_recording_under_way_is_not_recorded_over(ending, tmp_path):
    """By a second program of the same command, for one."""
    path = tmp_path / f"out{ending}"
    running = begin(path, 30)
    with pytest.raises(UserError, match=f"expected a file that no other program records to, got {path}"):
        begin(path, 1)
    running.end()
    assert running.written == [path] and len(played(path)) == 30
    again = begin(path, 2)
    again.end()
    assert again.written == [path] and len(played(path)) == 2


def test_a_folder_that_is_recorded_to_is_recorded_to_by_one_program(tmp_path):
    """Whether it has a picture yet or not, and whether it was looked at before or after the other began."""
    path = tmp_path / "out"
    for count in (0, 2):
        running = begin(path, count)
        with pytest.raises(UserError, match=f"a folder that no other program records to, got {path}"):
            begin(path, 1)
        with pytest.raises(UserError, match=f"--record that no other program writes to, got {path}"):
            ImageFolder(path)
        running.end()
    assert sorted(os.listdir(path)) == ["1.png", "2.png"]
    with pytest.raises(UserError, match="expected an empty folder to record to"):
        begin(path, 1)  # no longer locked


@pytest.mark.parametrize("name", ["3.png", ".3.png"])
def test_a_file_that_is_put_into_a_recordings_folder_stays(name, tmp_path, capsys):
    path = tmp_path / "out"
    recorder = begin(path, 2)
    (path / name).write_text("mine")
    for number in (2, 3):
        recorder.write(level(number), number / 25)
    reason = f"the recording ended: another file has the name {name}: {path}"
    assert recorder.notice == reason and capsys.readouterr().err == f"warning: {reason}\n"
    assert reason in recorder.shortfall and recorder.written == [path]
    assert sorted(os.listdir(path)) == sorted(["1.png", "2.png", name])
    assert (path / name).read_text() == "mine"


def test_of_two_recordings_in_place_of_an_earlier_one_none_is_lost(tmp_path):
    path, beside = tmp_path / "out.mp4", tmp_path / "out.unfinished-2.mp4"
    begin(path, 5).end()
    first, second = begin(path, 31), begin(path, 10)
    first.end()
    second.end()
    assert not first.shortfall and f"another program has written to {path}" in second.shortfall
    assert (first.written, second.written) == ([path], [beside])
    assert (len(played(path)), len(played(beside))) == (31, 10)
