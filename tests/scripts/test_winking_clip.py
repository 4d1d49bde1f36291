"""benchmarks/winks.py: a driver who winks, made of his blink."""

import numpy as np
import pytest

from benchmarks import winks
from face2face.cli import UserError
from face2face.face.eyes import EyeDetector
from face2face.face.landmarks import LandmarkDetector
from face2face.face.winks import wink
from face2face.sources.open import open_source
from tests import made


def test_each_eye_winks_after_the_clip(clips, tmp_path):
    winks.write(clips / "single_face.mp4", tmp_path / "winks.mp4")
    detector, eyes, found, seen = LandmarkDetector(), EyeDetector(), None, []
    with (
        open_source(str(clips / "single_face.mp4")) as video,
        open_source(str(tmp_path / "winks.mp4")) as made_of,
    ):
        assert made_of.fps == pytest.approx(video.fps, rel=0.01)
        for frame in made_of.frames(range(video.frame_count, made_of.frame_count)):
            found = detector.find(frame.picture, found)
            seen.append(wink(eyes.find(frame.picture, found.points)))
    each = np.array_split(np.arange(len(seen)), len(winks.SIDES))
    certain = [{side for side, certainty in (seen[i] for i in part) if certainty == 1} for part in each]
    assert certain == [{side} for side in winks.SIDES]
    assert all(seen[part[0]][1] == seen[part[-1]][1] == 0 for part in each)


def test_a_clip_without_a_blink_is_refused(clips, tmp_path):
    clip = made.short_clip(clips / "single_face.mp4", 6, tmp_path / "short.mp4")
    before = made.tree(tmp_path)
    with pytest.raises(UserError, match=r"expected a clip of a driver who blinks, got none in short\.mp4"):
        winks.write(clip, tmp_path / "winks.mp4")
    assert made.tree(tmp_path) == before


def test_a_clip_that_is_there_stays(clips, tmp_path):
    (tmp_path / "winks.mp4").write_text("a clip of somebody's")
    before = made.tree(tmp_path)
    with pytest.raises(UserError, match=r"expected a new file, .*/winks\.mp4"):
        winks.write(clips / "single_face.mp4", tmp_path / "winks.mp4")
    assert made.tree(tmp_path) == before
