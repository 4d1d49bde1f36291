"""Which frames become pairs: all kinds of them, and none with a hand before the face."""

import numpy as np
import pytest

from face2face.face.landmarks import LandmarkDetector
from face2face.sources.open import open_source
from face2face.target import selection


@pytest.fixture(scope="module")
def seen(clips) -> selection.Scan:
    """120 frames of the woman who holds a hand before her face from frame 60 to 230."""
    with open_source(str(clips / "WolfgangLanger_Pexels.mp4")) as video:
        return selection.scan(video, LandmarkDetector(), 30, "diverse")


def test_frames_with_a_hand_before_the_face_are_left_out(seen):
    chosen, left_out = selection.choose(seen, 30, "diverse")
    assert len(chosen) == 30
    assert not [c.number for c in chosen if 88 <= c.number <= 228]
    assert left_out["a doubtful or half hidden face"] > 30


def test_diverse_covers_more_than_spread(seen):
    """The worst covered of the usable frames is nearer to a chosen one."""
    good, _ = selection.usable(seen.candidates)
    described = selection.describe(np.array([c.face.points for c in good]))
    spread = np.linspace(0, len(good) - 1, 12).astype(int)
    diverse = selection.farthest_points(described, 12)

    def worst(chosen) -> float:
        return max(np.linalg.norm(described[chosen] - row, axis=1).min() for row in described)

    assert worst(diverse) < 0.8 * worst(spread)


def test_farthest_points_of_a_line():
    line = np.array([[0.0], [1.0], [2.0], [3.0], [10.0]])
    assert selection.farthest_points(line, 3) == [2, 4, 0]


def test_another_scene_is_left_out(seen):
    strange = [
        selection.Candidate(1000 + i, seen.candidates[0].face, 0.007, c.sharpness, c.colours[::-1])
        for i, c in enumerate(seen.candidates[:5])
    ]
    kept, left_out = selection.usable([*seen.candidates, *strange])
    assert left_out["another scene"] == 5
    assert max(c.number for c in kept) < 1000


def test_blurred_frames_are_left_out(seen):
    candidates = list(seen.candidates)
    candidates[100] = selection.Candidate(
        candidates[100].number, candidates[100].face, candidates[100].doubt, 1.0, candidates[100].colours
    )
    kept, left_out = selection.usable(candidates)
    assert left_out["blurred"] >= 1
    assert candidates[100] not in kept


def test_grids_are_disjoint_and_together_all_frames():
    grids = list(selection.grids(range(20, 120), 7))
    assert len(grids[0]) == 7
    assert sorted(n for grid in grids for n in grid) == list(range(20, 120))


def test_spread_takes_as_many_as_asked_for_evenly(seen):
    chosen, left_out = selection.choose(seen, 10, "spread")
    gaps = np.diff([c.number for c in chosen])
    assert len(chosen) == 10 and not left_out
    assert gaps.min() > 0.8 * gaps.max()
