"""Pairs of a source that cannot be read again: what is recorded of it."""

import itertools
import shutil
import signal
import tempfile
from pathlib import Path

import pytest

from face2face.face.landmarks import LandmarkDetector
from face2face.output.recording import open_recording
from face2face.sources.open import open_source
from face2face.target.sidecar import read_sidecar
from face2face.target.target_file import Target
from pix2pix import target_of_pairs
from pix2pix.tools import process
from tests.scripts.test_generate_train_data import frames_of, generate


@pytest.fixture(scope="module")
def clip(clips) -> Path:
    return clips / "single_face.mp4"


def test_a_stream_is_kept_while_it_comes(clip, tmp_path):
    """It cannot be read again: the frames that were seen are the ones that are written."""
    recording = open_recording(tmp_path / "stream.mp4", 25.0)
    with open_source(str(clip), end=1) as source:
        for frame in source.frames():
            recording.write(frame.picture[..., ::-1], frame.seconds)
    recording.close()
    assert generate(tmp_path / "out", (tmp_path / "stream.mp4").as_uri(), "--num", 4) == 0
    assert frames_of(tmp_path / "out") == [0, 1, 2, 3]


@pytest.mark.parametrize("calls, count", [(1, 0), (5, 5)])
def test_ctrl_c_ends_a_recording_and_pairs_are_made_of_it(calls, count, clip, tmp_path, monkeypatch, capsys):
    """Of a source that cannot be read again, as a camera; without a face so far it ends all."""
    find, numbers = LandmarkDetector.find, itertools.count(1)

    def interrupted(self, *arguments):
        if next(numbers) == calls:
            signal.raise_signal(signal.SIGINT)
        return find(self, *arguments)

    monkeypatch.setattr(LandmarkDetector, "find", interrupted)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores it
    try:
        code = generate(tmp_path, clip.as_uri(), "--num", 40)
    finally:
        signal.signal(signal.SIGINT, before)
    assert code == (0 if count else 130)
    for name in ("original", "landmarks"):
        assert len(list((tmp_path / name).glob("*.png"))) == count
    told = "the recording was stopped: pairs are made of what was recorded\n"
    assert (told in capsys.readouterr().out) == bool(count)


def test_another_ctrl_c_ends_the_making_of_pairs(clip, tmp_path, monkeypatch, capsys):
    """Nothing is kept of the recorded person then."""
    find, numbers = LandmarkDetector.find, itertools.count(1)

    def interrupted(self, *arguments):
        if next(numbers) in (5, 8):  # while five frames are recorded, and while faces are found in them
            signal.raise_signal(signal.SIGINT)
        return find(self, *arguments)

    monkeypatch.setattr(LandmarkDetector, "find", interrupted)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "scratch"))
    (tmp_path / "scratch").mkdir()
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        code = generate(tmp_path / "out", clip.as_uri(), "--num", 40)
    finally:
        signal.signal(signal.SIGINT, before)
    assert code == 130 and not list((tmp_path / "scratch").iterdir())
    assert not list((tmp_path / "out").glob("*/*"))


def test_frames_of_a_stream_are_not_selected(clip, tmp_path, capsys):
    assert generate(tmp_path, clip.as_uri(), "--num", 4, "--select", "diverse") == 2
    assert "expected --select first of a camera or stream, got diverse" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("kind", ["stream", "folder"])
def test_two_recordings_of_one_source_are_of_one_target(kind, clip, clips, tmp_path):
    """Whatever their lengths: for process.py, for a training in the same folder, and for a student."""
    targets, source = [], clip.as_uri()
    if kind == "folder":
        source = tmp_path / "photos"
        assert generate(tmp_path / "all", clip, "--num", 4, "--select", "first", "--crop", "none") == 0
    for count in (3, 4):
        out = tmp_path / f"{count}"
        if kind == "folder":
            source.mkdir(exist_ok=True)
            for number in range(1, count + 1):
                shutil.copy(tmp_path / "all" / "original" / f"{number}.png", source)
        assert generate(out, source, "--num", count, "--select", "first") == 0
        for name in ("original", "landmarks"):
            process.process(out / name, tmp_path / "p" / name, "resize", size=64)
        known = read_sidecar(out / "landmarks")
        assert known.videos[0].frame_count is None
        targets.append(Target.measure(known, 256, with_face=False))
    for first, second in (targets, targets[::-1]):
        first.write(tmp_path / "model")
        target_of_pairs.check(second, tmp_path / "model")
        target_of_pairs.check_pairs(first, tmp_path, known)
