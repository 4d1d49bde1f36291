"""Several faces in view: a key takes the next one, and the one that is followed is marked on the screen."""

import contextlib
import itertools
import threading

import cv2
import numpy as np
import pytest

from face2face import pictures
from face2face.face.geometry import interocular_distance
from face2face.face.tracking import REDETECT_SECONDS, Tracker
from face2face.generator.generator import Generator
from face2face.live import loop
from face2face.live.composer import Composer
from face2face.live.options import DrivingOptions, OutputOptions
from face2face.live.outputs import open_presenter
from face2face.live.painter import Painter
from face2face.sources.base import Frame
from face2face.sources.open import open_source
from tests import made
from tests.live.test_server import ask
from tests.live.two_in_view import alone, is_right, write_two_people

# --- taking the next one --------------------------------------------------------------------------------


def test_the_next_face_is_taken_and_followed(detector, people):
    tracker = Tracker(detector)
    face = tracker(people[0])
    first = is_right(face.points)
    assert (face.rank, face.count) == (int(first), 2)
    for number in (1, 4, 7):
        tracker.next_face()
        faces = [tracker(frame) for frame in people[number : number + 3]]
        assert [is_right(face.points) for face in faces] == [not first] * 3
        assert [face.rank for face in faces] == [int(not first)] * 3
        first = not first


def test_its_points_are_not_mixed_with_the_last_ones(detector, people):
    tracker, new = Tracker(detector), Tracker(detector)
    first = is_right(tracker(people[0]).points)
    tracker.next_face()
    for frame in people[1:4]:
        points, expected = tracker(frame).points, new(alone(frame, not first)).points
        assert np.abs(points - expected).mean() < 0.03 * interocular_distance(expected)


def test_faces_are_taken_from_left_to_right_and_then_from_the_left_again(detector, clips):
    picture = cv2.imread(str(clips / "multi_face.jpg"))
    tracker, middles = Tracker(detector), []
    for number in range(6):
        face = tracker(Frame(number, number / 25, picture))
        middles.append(round(face.points[:, 0].mean()))
        tracker.next_face()
    assert face.count == len(set(middles)) == 4
    turned = np.roll(middles[:4], -int(np.argmin(middles[:4])))
    assert sorted(middles[:4]) == turned.tolist()
    assert middles[4:] == middles[:2]


def test_with_one_face_nothing_changes(detector, people):
    asked, other = Tracker(detector), Tracker(detector)
    for frame in people[:4]:
        face = asked(alone(frame, False))
        assert np.array_equal(face.points, other(alone(frame, False)).points)
        assert face.count == 1 and not face.is_another
        asked.next_face()


def test_that_the_others_have_gone_is_seen_within_a_second(detector, people):
    tracker = Tracker(detector)
    face = tracker(people[0])
    assert face.count == 2
    gone = alone(people[1], is_right(face.points))
    assert tracker(Frame(30, REDETECT_SECONDS, gone.picture)).count == 1


def test_what_the_user_is_told(painter, people):
    both, single = painter(), painter()
    first = is_right(both(people[0]).points)
    assert "face" not in both(people[1]).state.split(";")[0].split()
    both.driver.next_face()
    assert both(people[2]).state.startswith(f"face {1 if first else 2} of 2, from the left")
    single(alone(people[0], True))
    single.driver.next_face()
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
    side = driven.preview.shape[0]
    rows, columns = np.nonzero((recorded != shown).any(axis=-1))
    assert len(rows) and columns.max() < side
    columns = side - 1 - columns if mirrored else columns
    low, high = driven.preview_points.min(axis=0), driven.preview_points.max(axis=0)
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
    sides = [driven.preview_points[:, 0].mean() > driven.preview.shape[1] / 2 for driven in seen]
    assert sum(before != after for before, after in itertools.pairwise(sides)) == 1
    assert any(driven.state.startswith("face ") for driven in seen)
    assert all(driven.is_one_of_several for driven in seen)
    recorded = pictures.read(tmp_path / "shown/1.png")
    assert np.array_equal(recorded[:, : recorded.shape[0]], seen[0].preview)
