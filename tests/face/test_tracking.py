"""One person's face, followed: another's is not taken while the first is there."""

import cv2
import numpy as np
import pytest

import generate_train_data
from face2face import pictures
from face2face.face.geometry import interocular_distance
from face2face.face.landmarks import LandmarkDetector
from face2face.face.tracking import (
    FORGET_SECONDS,
    REDETECT_SECONDS,
    RETURN_SECONDS,
    THOROUGH_SECONDS,
    TrackedFace,
    Tracker,
)
from face2face.sources.base import Frame
from face2face.sources.open import open_source
from face2face.target.sidecar import read_sidecar
from tests import made, two_people

SIZE = (two_people.HEIGHT, 2 * two_people.WIDTH)


@pytest.fixture(scope="module")
def people(clips) -> tuple[np.ndarray, np.ndarray]:
    """Pictures of a man and a woman, whose face is larger; each fills half of a frame."""
    found = two_people.people(clips)
    return found["m"], found["w"]


def scene(left: np.ndarray | None, right: np.ndarray | None, seconds: float) -> Frame:
    picture = np.full((*SIZE, 3), 60, np.uint8)
    for half, person in zip(np.split(picture, 2, axis=1), (left, right), strict=True):
        if person is not None:
            half[:] = person
    return Frame(round(seconds * 25), seconds, picture)


@pytest.fixture
def tracker() -> Tracker:
    return Tracker(LandmarkDetector())


def middle(face: TrackedFace) -> float:
    return float(face.points[:, 0].mean())


def test_the_points_of_a_face_that_is_still_are_too(clips):
    """They also are where the whole frame is searched again, whatever box that would find."""
    with open_source(str(clips / "WolfgangLanger_Pexels.mp4")) as video:
        pictures = [frame.picture for frame in video.frames(range(34, 472, 92))]
    for picture in pictures:
        tracker = Tracker(LandmarkDetector())
        found = [tracker(Frame(n, n * REDETECT_SECONDS / 10, picture)).detected for n in range(32)]
        assert all(np.array_equal(points, found[9]) for points in found[10:])


def test_a_second_larger_face_does_not_take_over(tracker, people):
    man, woman = people
    assert middle(tracker(scene(man, None, 0.0))) < 320
    assert middle(tracker(scene(man, woman, 0.1))) < 320


def test_nor_when_the_first_is_hidden_for_a_moment(tracker, people):
    man, woman = people
    tracker(scene(man, None, 0.0))
    assert tracker(scene(None, woman, 0.2)) is None
    assert middle(tracker(scene(man, woman, 0.4))) < 320


def test_but_when_the_first_has_gone(tracker, people):
    man, woman = people
    tracker(scene(man, None, 0.0))
    assert middle(tracker(scene(None, woman, FORGET_SECONDS + 0.1))) > 320


def test_when_the_first_has_gone_the_other_is_another_driver_until_the_first_is_back(tracker, people):
    man, woman = people
    sides = []
    for pair, seconds in (
        ((man, None), 0.0),
        ((man, woman), 0.1),
        ((None, woman), 0.2),  # not yet taken
        ((None, woman), FORGET_SECONDS + 0.2),
        ((None, woman), FORGET_SECONDS + 0.3),
        ((man, woman), FORGET_SECONDS + 0.4),
        ((man, woman), FORGET_SECONDS + 0.5),
    ):
        face = tracker(scene(*pair, seconds))
        sides.append(None if face is None else (middle(face) > 320, face.is_another))
    assert sides == [
        *((False, False), (False, False), None),
        *((True, True), (True, False), (False, True), (False, False)),
    ]


@pytest.mark.parametrize("seconds", [3.0, 2 * RETURN_SECONDS])
@pytest.mark.parametrize("who", ["man", "woman"])
def test_after_both_were_away_the_other_is_another_and_who_was_followed_last_is_not(
    tracker, people, who, seconds
):
    man, woman = people
    tracker(scene(man, None, 0.0))
    tracker(scene(None, woman, FORGET_SECONDS + 0.1))
    back = tracker(scene(man, None, seconds) if who == "man" else scene(None, woman, seconds))
    assert (middle(back) < 320) == back.is_another == (who == "man")


def test_who_comes_back_late_is_not_followed_again(tracker, people):
    man, woman = people
    tracker(scene(man, None, 0.0))
    for seconds in np.arange(FORGET_SECONDS + 0.1, RETURN_SECONDS, 0.9):
        assert middle(tracker(scene(None, woman, float(seconds)))) > 320
    for seconds in (0.1, 0.2):
        face = tracker(scene(man, woman, RETURN_SECONDS + seconds))
        assert middle(face) > 320 and not face.is_another


def test_who_was_left_for_another_on_request_is_not_taken_again(tracker, people):
    man, woman = people
    tracker(scene(man, None, 0.0))
    tracker(scene(None, woman, FORGET_SECONDS + 0.1))
    for seconds, is_right in ((1.2, False), (1.3, True)):
        tracker.next_face()
        assert (middle(tracker(scene(man, woman, seconds))) > 320) == is_right
    assert middle(tracker(scene(man, woman, 1.4))) > 320


@pytest.mark.parametrize("seconds", [FORGET_SECONDS + 0.1, 3 * RETURN_SECONDS])
def test_who_comes_back_to_the_old_place_is_the_same_and_who_comes_elsewhere_is_not(people, seconds):
    man, woman = people
    for later, has_changed in (((man, None), False), ((None, woman), True)):
        tracker = Tracker(LandmarkDetector())
        tracker(scene(man, None, 0.0))
        assert tracker(scene(*later, seconds)).is_another == has_changed


def test_a_face_that_comes_back_after_a_while_is_not_steadied_by_its_old_place(people):
    man, _ = people
    noise = np.random.default_rng(0).normal(0, 3, man.shape)
    back = scene(np.clip(man + noise, 0, 255).astype(np.uint8), None, FORGET_SECONDS + 0.1)
    known, new = Tracker(LandmarkDetector()), Tracker(LandmarkDetector())
    known(scene(man, None, 0.0))
    assert np.array_equal(known(back).points, new(back).points)


@pytest.mark.parametrize("seconds", [0.04, 3.0])
def test_who_is_followed_is_the_same_in_frames_of_another_size(tracker, people, seconds):
    """A camera that comes back in another size, with another person in view. He is followed at once."""
    man, woman = people
    tracker(scene(woman, man, 0.0))
    tracker.next_face()
    before = tracker(scene(woman, man, 0.0))
    large = cv2.resize(scene(woman, man, 0.0).picture, None, fx=2.5, fy=2.5)
    after = tracker(Frame(1, seconds, large))
    assert not after.is_another
    assert np.abs(after.points / 2.5 - before.points).mean() < 0.05 * interocular_distance(before.points)


def test_who_is_followed_is_found_at_once_in_another_view(tracker, people):
    """As of a phone that is turned: the old place tells nothing."""
    man, _ = people
    tracker(scene(None, man, 0.0))
    assert not tracker(Frame(1, 0.04, man)).is_another


def test_of_two_new_faces_the_larger_is_followed(tracker, people):
    assert middle(tracker(scene(*people, 0.0))) > 320


def test_pairs_are_made_of_frames_with_several_faces(people, tmp_path):
    """Of the person who was there first: such frames are followed, not left out."""
    man, woman = people
    for number in range(6):
        bgr = scene(man, woman if number in (1, 2, 3) else None, number / 25).picture
        pictures.write(tmp_path / f"clip/{number}.png", bgr[..., ::-1])
    arguments = ("--file", tmp_path / "clip", "--num", 6, "--select", "first", "--crop", "none")
    assert made.edge(generate_train_data.main, *arguments, "--output-dir", tmp_path) == 0
    found = read_sidecar(tmp_path / "landmarks").images.values()
    assert sorted(entry.frame for entry in found) == [0, 1, 2, 3, 4, 5]
    assert all(entry.points[:, 0].mean() < 320 for entry in found)


def test_the_points_are_steadied(people):
    """What noise does to the points of a still face is less than without smoothing."""
    still, noise = scene(people[0], None, 0.0).picture, np.random.default_rng(0)
    shaken = [np.clip(still + noise.normal(0, 3, still.shape), 0, 255).astype(np.uint8) for _ in range(15)]
    spreads = []
    for smoothing in (0.0, 0.5):
        tracker = Tracker(LandmarkDetector(), smoothing)
        faces = [tracker(Frame(i, i / 25, picture)) for i, picture in enumerate(shaken)]
        points = np.array([face.points for face in faces[8:]])
        spreads.append(points.std(axis=0).mean() / interocular_distance(points[0]))
    assert spreads[1] < 0.5 * spreads[0]


class CountingDetector(LandmarkDetector):
    """What each search was to do.

    redetected: whether the whole frame was to be looked at, though a face is known.
    thorough: whether it was to be looked at enlarged, if need be.
    """

    def __init__(self):
        super().__init__()
        self.redetected: list[bool] = []
        self.thorough: list[bool] = []

    @property
    def searches(self) -> int:
        return len(self.redetected)

    def find(self, frame, last=None, redetect=False, thorough=True):
        self.redetected.append(redetect)
        self.thorough.append(thorough)
        return super().find(frame, last, redetect, thorough)


def test_a_face_that_holds_still_is_not_looked_for_in_each_frame(people):
    detector = CountingDetector()
    tracker = Tracker(detector, smoothing=0.0)
    found = [tracker(scene(people[0], None, number / 25)).points for number in range(12)]
    assert detector.searches == 6  # in every other one
    assert all(np.array_equal(points, found[0]) for points in found)


@pytest.mark.parametrize("then", ["nobody", "covered", "elsewhere"])
def test_a_face_is_looked_for_once_its_place_looks_different(people, then):
    man, _ = people
    detector = CountingDetector()
    tracker = Tracker(detector, smoothing=0.0)
    before = tracker(scene(man, None, 0.0)).points
    frame = scene(None if then == "nobody" else man, None, 0.04)
    by = 12
    if then == "covered":
        frame.picture[round(before[:, 1].mean()) :] = 60  # from the middle of the face down
    elif then == "elsewhere":
        frame.picture[:] = np.roll(frame.picture, by, axis=1)
    after = tracker(frame)
    assert detector.searches == 2
    if then == "elsewhere":
        assert np.abs(after.points - before - (by, 0)).mean() < 0.02 * interocular_distance(before)
    elif then == "nobody":
        assert after is None


def test_a_frame_without_a_face_has_no_points(tracker):
    assert tracker(Frame(0, 0.0, np.full((*SIZE, 3), 128, np.uint8))) is None


def test_the_whole_frame_is_searched_every_two_seconds(people):
    detector = CountingDetector()
    tracker = Tracker(detector)
    for seconds in (0.0, 1.0, 2.0, 3.0, 4.0, 4.5):
        tracker(scene(people[0], None, seconds))
    assert detector.redetected == [False, False, True, False, True, False]


def test_without_a_face_the_thorough_search_is_made_twice_a_second(people):
    """At once when a face is lost. It takes several times as long as the quick one."""
    detector = CountingDetector()
    tracker = Tracker(detector)
    tracker(scene(people[0], None, 0.0))
    step = THOROUGH_SECONDS / 4
    for number in range(1, 10):
        tracker(scene(None, None, number * step))
    assert detector.thorough == [True, *([True] + [False] * 3) * 2, True]


def test_a_tracker_can_search_each_frame_thoroughly():
    detector = CountingDetector()
    tracker = Tracker(detector, thorough_seconds=0)
    for number in range(3):
        tracker(scene(None, None, number / 25))
    assert detector.thorough == [True] * 3
