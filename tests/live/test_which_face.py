"""Several faces in view: a key takes the next one, and the one that is followed is marked on the screen."""

import contextlib
import itertools
import threading
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from face2face import pictures
from face2face.face.geometry import interocular_distance
from face2face.face.landmarks import LandmarkDetector
from face2face.face.tracking import REDETECT_SECONDS, Tracker
from face2face.generator.generator import Generator
from face2face.live import loop
from face2face.live.composer import Composer
from face2face.live.drive import open_painter
from face2face.live.options import DrivingOptions, ModelOptions, OutputOptions
from face2face.live.outputs import open_presenter
from face2face.live.painter import Painter
from face2face.sources.base import Frame
from face2face.sources.open import open_source
from face2face.sources.streams import LiveSource
from face2face.target.calibration import read_calibration
from face2face.target.sidecar import read_sidecar
from face2face.target.target_file import Target
from tests import made
from tests.live.test_server import ask

WIDTH, HEIGHT = 320, 360
"""Of each person's half of the picture."""


def two_people(clips: Path, count: int) -> list[Frame]:
    """A man on the left and a woman on the right, each in a clip of their own, in square frames."""
    halves = []
    for clip, first, left in (("single_face.mp4", 0, 130), ("WolfgangLanger_Pexels.mp4", 300, 280)):
        with open_source(str(clips / clip)) as video:
            frames = video.frames(set(range(first, first + count)))
            halves.append([frame.picture[:, left : left + WIDTH] for frame in frames])
    edge = (2 * WIDTH - HEIGHT) // 2
    return [
        Frame(
            number, number / 25, cv2.copyMakeBorder(np.hstack(pair), edge, edge, 0, 0, cv2.BORDER_REPLICATE)
        )
        for number, pair in enumerate(zip(*halves, strict=True))
    ]


def write_two_people(clips: Path, count: int, path: Path) -> Path:
    """The same as a video."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), 25, (2 * WIDTH, 2 * WIDTH))
    for frame in two_people(clips, count):
        writer.write(frame.picture)
    writer.release()
    return path


@pytest.fixture(scope="module")
def people(clips) -> list[Frame]:
    return two_people(clips, 10)


@pytest.fixture(scope="module")
def detector() -> LandmarkDetector:
    return LandmarkDetector()


def alone(frame: Frame, is_right: bool) -> Frame:
    """The same with one of them."""
    picture = frame.picture.copy()
    half = picture[:, :WIDTH] if is_right else picture[:, WIDTH:]
    half[:] = 60
    return Frame(frame.number, frame.seconds, picture)


def is_right(points: np.ndarray) -> bool:
    return bool(points[:, 0].mean() > WIDTH)


# --- taking the next one --------------------------------------------------------------------------------


def test_the_next_face_is_taken_and_followed(detector, people):
    tracker = Tracker(detector)
    first = is_right(tracker(people[0]))
    assert (tracker.place, tracker.count) == (int(first), 2)
    for number in (1, 4, 7):
        tracker.next_face()
        sides = [is_right(tracker(frame)) for frame in people[number : number + 3]]
        assert sides == [not first] * 3
        assert tracker.place == int(sides[0])
        first = not first


def test_its_points_are_not_mixed_with_the_last_ones(detector, people):
    tracker, new = Tracker(detector), Tracker(detector)
    first = is_right(tracker(people[0]))
    tracker.next_face()
    for frame in people[1:4]:
        points, expected = tracker(frame), new(alone(frame, not first))
        assert np.abs(points - expected).mean() < 0.03 * interocular_distance(expected)


def test_faces_are_taken_from_left_to_right_and_then_from_the_left_again(detector, clips):
    picture = cv2.imread(str(clips / "multi_face.jpg"))
    tracker, middles = Tracker(detector), []
    for number in range(6):
        middles.append(round(tracker(Frame(number, number / 25, picture))[:, 0].mean()))
        tracker.next_face()
    assert tracker.count == len(set(middles)) == 4
    turned = np.roll(middles[:4], -int(np.argmin(middles[:4])))
    assert sorted(middles[:4]) == turned.tolist()
    assert middles[4:] == middles[:2]


def test_with_one_face_nothing_changes(detector, people):
    asked, other = Tracker(detector), Tracker(detector)
    for frame in people[:4]:
        points = asked(alone(frame, False))
        assert np.array_equal(points, other(alone(frame, False)))
        assert asked.count == 1 and not asked.has_changed
        asked.next_face()


def test_that_the_others_have_gone_is_seen_within_a_second(detector, people):
    tracker = Tracker(detector)
    side = is_right(tracker(people[0]))
    assert tracker.count == 2
    gone = alone(people[1], side)
    tracker(Frame(30, REDETECT_SECONDS, gone.picture))
    assert tracker.count == 1


# --- another driver -------------------------------------------------------------------------------------


@pytest.fixture
def painter(frozen_model, detector):
    """Makes painters, and closes them."""
    with contextlib.ExitStack() as stack:

        def make(**driving) -> Painter:
            tracker = Tracker(detector, smoothing=0.0)
            return stack.enter_context(Painter(tracker, [Generator(frozen_model)], DrivingOptions(**driving)))

        yield make


def test_each_person_is_measured_against_his_own_face_at_rest(painter, people):
    """Drawings after a change are those of a program that never saw the other person; after a return, too."""
    asked, new = painter(), {True: painter(), False: painter()}
    first = is_right(asked(people[0]).points)
    new[first](alone(people[0], first))
    for begin, side in ((1, not first), (6, first)):
        asked.next_face()
        for frame in people[begin : begin + 3]:
            driven, expected = asked(frame), new[side](alone(frame, side))
            assert is_right(driven.points) == side
            assert np.abs(driven.drawing.astype(int) - expected.drawing).mean() < 2


def test_another_person_does_not_overwrite_the_file_of_the_first(painter, people, tmp_path):
    file = tmp_path / "me.json"
    asked = painter(calibration_file=file)
    asked(people[0])
    asked.calibrate()
    asked(people[1])
    asked(Frame(2, people[1].seconds + 1, people[1].picture))
    mine = read_calibration(file)
    asked.next_face()
    later = [Frame(frame.number, frame.seconds + 1.1, frame.picture) for frame in people[2:]]
    for frame in [*later, Frame(90, 70.0, people[2].picture)]:  # the neutral face is settled by then
        asked(frame)
    asked.close()
    assert read_calibration(file) == mine


@pytest.fixture
def calibrated(painter, people, tmp_path) -> Painter:
    """One of them has calibrated, for 2 s, and both are in view."""
    asked = painter(calibration_file=tmp_path / "me.json")
    asked(people[0])
    asked.calibrate()
    for seconds in (0.5, 1.0, 2.0):
        asked(replace(people[0], seconds=seconds))
    return asked


@pytest.mark.parametrize("is_asked_for", [True, False])
def test_who_is_back_in_his_place_has_his_face_at_rest_again(calibrated, people, is_asked_for):
    before = calibrated(replace(people[0], seconds=2.5))
    first = is_right(before.points)
    if is_asked_for:
        calibrated.next_face()
    other = calibrated(replace(alone(people[1], not first), seconds=5.0))
    assert is_right(other.points) != first and "calibrating" in other.state
    if is_asked_for:
        calibrated.next_face()
    back = calibrated(replace(people[0], seconds=8.0))
    assert is_right(back.points) == first and "calibrating" not in back.state
    np.testing.assert_allclose(back.drawn, before.drawn, atol=0.5)


def test_who_is_back_has_the_face_at_rest_that_was_kept_the_last_time(calibrated, painter, people, tmp_path):
    again = painter(calibration_file=tmp_path / "me.json")
    states = []
    for number in range(3):
        states.append(again(people[number]).state)
        again.next_face()
    assert ["calibrating" in state for state in states] == [False, True, False]


def test_the_last_who_asked_for_a_calibration_owns_the_file(calibrated, people, tmp_path):
    first = read_calibration(tmp_path / "me.json")
    calibrated.next_face()
    calibrated(replace(people[0], seconds=3.0))
    calibrated.calibrate()
    for seconds in (3.5, 4.0, 4.5):
        calibrated(replace(people[0], seconds=seconds))
    second = read_calibration(tmp_path / "me.json")
    calibrated.next_face()
    assert "calibrating" in calibrated(replace(people[0], seconds=5.0)).state
    for seconds in np.arange(5.5, 8.0, 0.5):
        calibrated(replace(people[0], seconds=seconds))
    calibrated.next_face()
    assert "calibrating" not in calibrated(replace(people[0], seconds=8.0)).state
    calibrated.close()
    assert first != second == read_calibration(tmp_path / "me.json")


def test_what_the_user_is_told(painter, people):
    both, single = painter(), painter()
    first = is_right(both(people[0]).points)
    assert "face" not in both(people[1]).state.split(";")[0].split()
    both.next_face()
    assert both(people[2]).state.startswith(f"face {1 if first else 2} of 2, from the left")
    single(alone(people[0], True))
    single.next_face()
    told = single(alone(people[1], True)).state
    assert told.startswith("no other face is in view")
    assert "no other" not in single(Frame(9, 5.0, alone(people[2], True).picture)).state


# --- the mark -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("view", ["driver", "overlay"])
def test_the_followed_one_is_marked_on_the_screen_alone(painter, people, view, mirrored):
    driven = painter()(people[0])
    composer = Composer(driven)
    recorded, shown = composer.picture(view, mirrored), composer.picture(view, mirrored, is_marked=True)
    side = driven.driver.shape[0]
    rows, columns = np.nonzero((recorded != shown).any(axis=-1))
    assert len(rows) and columns.max() < side
    columns = side - 1 - columns if mirrored else columns
    low, high = driven.driver_points.min(axis=0), driven.driver_points.max(axis=0)
    around = np.array([[columns.min(), rows.min()], [columns.max(), rows.max()]])
    assert np.all(around[0] < low) and np.all(around[1] > high)
    assert np.all(around[1] - around[0] < 1.5 * (high - low))


def test_nobody_is_marked_who_is_alone(painter, people):
    composer = Composer(painter()(alone(people[0], True)))
    for view in ("driver", "overlay"):
        assert composer.picture(view, is_marked=True) is composer.picture(view)


def test_the_pages_button_takes_the_next_face(detector, frozen_model, clips, tmp_path):
    """On the running loop; what is recorded meanwhile has no mark."""
    write_two_people(clips, 30, tmp_path / "two.mp4")
    with contextlib.ExitStack() as stack:
        source = stack.enter_context(open_source(str(tmp_path / "two.mp4")))
        tracker = Tracker(detector)
        painter = stack.enter_context(Painter(tracker, [Generator(frozen_model)], DrivingOptions()))
        options = OutputOptions(window=False, serve=0, record=tmp_path / "shown")
        presenter = open_presenter(stack, options, source, None, ["model"], painter)
        seen = []

        def click() -> None:
            made.until(lambda: painter.stats.frames)
            ask(presenter.page, "/command/face", "POST")

        class Watched:
            goes_on = presenter.goes_on

            def write(self, driven):
                seen.append(driven)
                presenter.write(driven)

        thread = threading.Thread(target=click)
        thread.start()
        loop.run(source, painter, Watched())
        thread.join()
    sides = [driven.driver_points[:, 0].mean() > driven.driver.shape[1] / 2 for driven in seen]
    assert sum(before != after for before, after in itertools.pairwise(sides)) == 1
    assert any(driven.state.startswith("face ") for driven in seen)
    assert all(driven.is_one_of_several for driven in seen)
    recorded = pictures.read(tmp_path / "shown/1.png")
    assert np.array_equal(recorded[:, : recorded.shape[0]], seen[0].driver)


def test_a_calibration_that_cannot_be_written_is_told_once_and_driving_goes_on(
    painter, people, tmp_path, capsys
):
    (tmp_path / "file").touch()
    place = tmp_path / "file" / "me.json"
    asked = painter(calibration_file=place)
    asked(people[0])
    asked.calibrate()
    asked(people[1])
    for frame in people[2:5]:
        assert asked(Frame(frame.number, frame.seconds + 1, frame.picture)).points is not None
    asked.close()
    (warning,) = capsys.readouterr().err.splitlines()
    assert warning.startswith(f"warning: the calibration is not kept in {place}: ")


def test_who_sits_at_the_camera_that_filmed_the_target_is_not_the_target(clips, people, tmp_path):
    """Only a clip of the target, by its name, needs no calibration."""
    known = read_sidecar(made.write_pairs(tmp_path / "pairs", 8))
    size = people[0].picture.shape[1::-1]
    videos = [replace(known.videos[0], name="camera 0", frame_size=size, fps=30.0)]
    target = Target.measure(replace(known, videos=videos), made.SMALL.image_size)
    model = made.repeating_model(tmp_path / "model.pb", target.image_size, target)

    device = cv2.VideoCapture(str(clips / "single_face.mp4"))
    with LiveSource("camera 0", lambda: device) as source:
        with open_painter(ModelOptions((model,)), DrivingOptions(), source) as live:
            assert live(people[0]).state.startswith("calibrating")
        source.file_name = "camera 0"
        with open_painter(ModelOptions((model,)), DrivingOptions(), source) as live:
            assert live(people[0]).state == ""
