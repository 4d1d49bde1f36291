"""The age of a picture when it is shown: a file paced like a camera, the figure, and one face at a time."""

import itertools
import json
import re
import time
from dataclasses import dataclass

import pytest

from benchmarks import latency
from face2face.cli import UserError
from face2face.generator import generator
from face2face.live import loop
from face2face.live.options import SourceOptions
from face2face.live.stats import Stats
from face2face.sources.open import open_source
from face2face.sources.paced import PacedSource
from tests import made


def test_a_paced_file_gives_each_frame_at_its_time_and_not_earlier(clips):
    with PacedSource(open_source(str(clips / "single_face.mp4"))) as source:
        assert source.live
        frames, arrived = [], []
        for frame in itertools.islice(source.frames(), 8):
            frames.append(frame)
            arrived.append(time.perf_counter())
    for frame, at in zip(frames, arrived, strict=True):
        assert frames[0].captured + frame.seconds - frames[0].seconds <= frame.captured + 1e-6
        assert frame.captured <= at


def test_a_stopped_paced_file_ends_while_it_waits(clips):
    with PacedSource(open_source(str(clips / "single_face.mp4"))) as source:
        frames = source.frames()
        next(frames)
        source.stop()
        assert next(frames, None) is None


@dataclass
class Shown:
    """What the loop reads of a driven frame."""

    captured: float
    points: None = None


class Slow:
    """Stages, one of which takes as long as three frames of the clip."""

    concurrency = 1

    def __init__(self):
        self.stats, self.numbers = Stats(), []

    def detect(self, frame):
        self.numbers.append(frame.number)
        return frame

    def generate(self, frame):
        time.sleep(0.12)  # the work
        return frame

    def present(self, frame):
        return Shown(frame.captured)

    def write(self, driven):
        pass

    def goes_on(self):
        return True


def test_a_loop_that_is_late_takes_the_newest_frame_and_counts_the_others(clips):
    stages = Slow()
    with PacedSource(open_source(str(clips / "single_face.mp4"))) as source:
        stages.stats.start()
        loop.run(source, stages, stages)
    gaps = [b - a for a, b in itertools.pairwise(stages.numbers)]
    assert max(gaps) > 1 and stages.stats.dropped > 10
    assert stages.stats.frames + stages.stats.dropped == 72
    assert stages.stats.summary().latency.median_ms < 1000  # frames under way are bounded


def test_pace_is_for_files():
    with pytest.raises(UserError, match=r"expected a video file, .*, got 'typo\.mp4'"):
        SourceOptions("typo.mp4", is_paced=True)
    with pytest.raises(UserError, match="--pace is for video files and folders of images, got 0"):
        SourceOptions("0", is_paced=True)


def test_the_latency_is_told_with_what_to_enter_in_calls(clips, frozen_model, tmp_path):
    """By the script, as a user runs it; a file that is not paced has no latency to speak of."""
    source = [
        "run_webcam.py",
        "--source",
        clips / "single_face.mp4",
        "--tf-model",
        frozen_model,
        "--no-window",
    ]
    source += ["--record", tmp_path / "a.mp4", "--stats", tmp_path / "stats.json"]
    paced = made.run_script(*source, "--pace")
    assert paced.returncode == 0, paced.stderr
    latency = json.loads((tmp_path / "stats.json").read_text())["latency"]
    said = re.search(
        r"shown (\d+) ms after .*within (\d+) ms.*delay the microphone by (\d+) ms", paced.stdout
    )
    assert [int(each) for each in said.groups()] == [
        *(round(latency[kind]) for kind in ("median_ms", "p95_ms")),
        round(latency["median_ms"]),
    ]
    assert "one face at a time" in paced.stdout  # a generator of 64 pixels is quick enough alone
    unpaced = made.run_script(*source)
    assert unpaced.returncode == 0 and "ms after" not in unpaced.stdout
    assert "one face at a time" not in unpaced.stdout


@pytest.mark.parametrize("interval, faces", [(None, 2), (1e-6, 2), (10.0, 1)])
def test_one_face_is_generated_at_a_time_where_that_keeps_up(frozen_model, interval, faces):
    loaded = generator.Generator(frozen_model, precision="float32", concurrency=2, interval=interval)
    assert loaded.concurrency == faces


@pytest.mark.parametrize("fps", ["0", "nan", "-5", "1e9"])
def test_a_rate_that_no_camera_has_is_refused(fps, capsys):
    arguments = ("--file", "driver.mp4", "--tf-model", "frozen_model.pb", "--fps", fps)
    assert made.edge(latency.main, *arguments) == 2
    assert f"expected a number from 1 to 1000, got '{fps}'" in capsys.readouterr().err
