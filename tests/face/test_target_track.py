"""Which faces of a clip are the target's: he may move anywhere, or be away while others are in view."""

import numpy as np
import pytest

from face2face.face.landmarks import LandmarkDetector
from face2face.face.tracking import RETURN_SECONDS
from face2face.sources.base import Frame
from face2face.sources.open import open_source
from face2face.target import selection
from face2face.target.target_track import TargetTrack
from tests import two_people


@pytest.fixture(scope="module")
def detector() -> LandmarkDetector:
    return LandmarkDetector()


@pytest.fixture(scope="module")
def people(clips) -> dict[str, np.ndarray]:
    return two_people.people(clips)


def find(track: TargetTrack, people: dict, number: int, scene: str, step: float = 0.04) -> str | None:
    """Who is found in a frame of two places, as in "mw": the man at the left, the woman at the right."""
    face = track.find(Frame(number, number * step, two_people.picture(people, scene)))
    return None if face is None else scene[int(face.points[:, 0].mean() > two_people.WIDTH)]


def followed(track: TargetTrack, people: dict, scenes: str, step: float = 0.04) -> str:
    """Who was taken in each frame, once all were seen; "-" for nobody."""
    found = [find(track, people, number, scene, step) for number, scene in enumerate(scenes.split())]
    return "".join(who or "-" if n in track.numbers else "-" for n, who in enumerate(found))


@pytest.mark.parametrize(
    ("scenes", "expected"),
    [
        ("m- mw mw", "mmm"),
        ("m- mw -w -w -w mw mw", "mm---mm"),  # she was there before he left
        ("m- mw -w -w -w", "mm---"),
        ("m- m- -w -w mw mw m-", "mm--mmm"),  # she came while he was away, as it turns out
        ("m- m- -- -w mw -w mw", "mm--m-m"),
        ("m- m- -m -m -m", "mmmmm"),  # he moved by more than a face's width between two frames
        ("m- m- -- -m -m m- m- -m", "mm-mmmmm"),  # to and fro
    ],
)
def test_of_several_people_the_first_is_followed_wherever_he_is(detector, people, scenes, expected):
    assert followed(TargetTrack(detector), people, scenes) == expected


def test_who_takes_the_old_place_later_is_another(detector, people):
    """The target had moved long before."""
    scenes = "m- -m -m -m wm wm -m"
    assert followed(TargetTrack(detector), people, scenes, step=RETURN_SECONDS / 2) == "mmmmmmm"


def test_frames_between_known_ones_are_judged_by_the_nearest_of_them(detector, people):
    track = TargetTrack(detector)
    found = [find(track, people, *each) for each in ((0, "m-"), (8, "mw"), (2, "mw"), (4, "-w"), (6, "mw"))]
    assert found == ["m", "m", "m", None, "m"]
    assert track.numbers == [0, 2, 6, 8]


def test_who_is_expected_is_taken_first_and_not_the_largest(detector, people):
    man = detector.find(two_people.picture(people, "m-"))
    assert followed(TargetTrack(detector), people, "mw mw") == "ww"
    assert followed(TargetTrack(detector, man), people, "mw mw") == "mm"


@pytest.mark.parametrize("select", selection.SELECTIONS)
def test_no_pairs_are_made_of_others_while_the_target_is_away(detector, people, tmp_path, select):
    """Nor of the rest of the clip."""
    clip = two_people.write(people, "m- mw mw mw -w -w -w mw mw mw", tmp_path)
    with open_source(str(clip)) as video:
        scanned = selection.scan(video, detector, 10, select)
    assert scanned.searched == 10
    assert [candidate.number for candidate in scanned.candidates] == [0, 1, 2, 3, 7, 8, 9]
    assert all(candidate.face.points[:, 0].mean() < two_people.WIDTH for candidate in scanned.candidates)


def test_frames_that_were_dropped_make_no_candidates(detector, people, tmp_path):
    clip = two_people.write(people, "m- -w -w mw mw", tmp_path)
    with open_source(str(clip)) as video:
        scanned = selection.scan(video, detector, 4, "first")
    assert [candidate.number for candidate in scanned.candidates] == [0, 3, 4]


def test_landmarks_need_not_depend_on_the_frame_before(detector, people):
    """What evaluate.py measures of a frame is the same whichever other frames it reads."""
    track = TargetTrack(detector, redetect=True)
    for number, by in enumerate((0, 30, 75)):
        picture = np.roll(two_people.picture(people, "m-"), by, axis=1)
        found = track.find(Frame(number, number / 25, picture))
        assert np.array_equal(found.points, detector.find(picture).points)
