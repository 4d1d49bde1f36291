"""Each driver's face at rest: whose it is, how long it is known, and the file that keeps it."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from face2face.face.tracking import Tracker
from face2face.generator.generator import Generator
from face2face.live.drive import open_painter
from face2face.live.driver import Driver
from face2face.live.options import DrivingOptions, ModelOptions
from face2face.live.painter import Painter
from face2face.sources.base import Frame
from face2face.sources.streams import LiveSource
from face2face.target.calibration import read_calibration
from face2face.target.sidecar import read_sidecar
from face2face.target.target_file import Target
from tests import made
from tests.live.two_in_view import alone, is_right


def test_each_person_is_measured_against_his_own_face_at_rest(painter, people):
    """Drawings after a change are those of a program that never saw the other person; after a return, too."""
    asked, new = painter(), {True: painter(), False: painter()}
    first = is_right(asked(people[0]).points)
    new[first](alone(people[0], first))
    for begin, side in ((1, not first), (6, first)):
        asked.driver.next_face()
        for frame in people[begin : begin + 3]:
            driven, expected = asked(frame), new[side](alone(frame, side))
            assert is_right(driven.points) == side
            assert np.abs(driven.drawing.astype(int) - expected.drawing).mean() < 2


def test_another_person_does_not_overwrite_the_file_of_the_first(painter, people, tmp_path):
    file = tmp_path / "me.json"
    asked = painter(calibration_file=file)
    asked(people[0])
    asked.driver.calibrate()
    asked(people[1])
    asked(Frame(2, people[1].seconds + 1, people[1].picture))
    mine = read_calibration(file)
    asked.driver.next_face()
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
    asked.driver.calibrate()
    for seconds in (0.5, 1.0, 2.0):
        asked(replace(people[0], seconds=seconds))
    return asked


@pytest.mark.parametrize("is_asked_for", [True, False])
def test_who_is_back_in_his_place_has_his_face_at_rest_again(calibrated, people, is_asked_for):
    before = calibrated(replace(people[0], seconds=2.5))
    first = is_right(before.points)
    if is_asked_for:
        calibrated.driver.next_face()
    other = calibrated(replace(alone(people[1], not first), seconds=5.0))
    assert is_right(other.points) != first and "calibrating" in other.state
    if is_asked_for:
        calibrated.driver.next_face()
    back = calibrated(replace(people[0], seconds=8.0))
    assert is_right(back.points) == first and "calibrating" not in back.state
    np.testing.assert_allclose(back.target_points, before.target_points, atol=0.5)


def test_who_is_back_has_the_face_at_rest_that_was_kept_the_last_time(calibrated, painter, people, tmp_path):
    again = painter(calibration_file=tmp_path / "me.json")
    states = []
    for number in range(3):
        states.append(again(people[number]).state)
        again.driver.next_face()
    assert ["calibrating" in state for state in states] == [False, True, False]


def test_what_was_kept_is_known_still_when_he_is_back_before_his_face_at_rest_was_in_use(
    calibrated, detector, frozen_model, people, tmp_path
):
    """While a model paints that has none."""
    file = tmp_path / "me.json"
    target = Generator(frozen_model).target
    kept, options = read_calibration(file), DrivingOptions(calibration_file=file)
    driver = Driver(Tracker(detector, smoothing=0.0), [Target(target.image_size), target], options)
    for number, index in enumerate((0, 0, 1, 1, 1)):
        frame = replace(people[number], seconds=float(number))
        face = driver.find(frame)
        driver.carry(face, frame, index)
        if number < 2:
            driver.next_face()
    driver.keep()
    assert driver.state(face, 4.0) == "" and read_calibration(file) == kept


def test_the_last_who_asked_for_a_calibration_owns_the_file(calibrated, people, tmp_path):
    first = read_calibration(tmp_path / "me.json")
    calibrated.driver.next_face()
    calibrated(replace(people[0], seconds=3.0))
    calibrated.driver.calibrate()
    for seconds in (3.5, 4.0, 4.5):
        calibrated(replace(people[0], seconds=seconds))
    second = read_calibration(tmp_path / "me.json")
    calibrated.driver.next_face()
    assert "calibrating" in calibrated(replace(people[0], seconds=5.0)).state
    for seconds in np.arange(5.5, 8.0, 0.5):
        calibrated(replace(people[0], seconds=seconds))
    calibrated.driver.next_face()
    assert "calibrating" not in calibrated(replace(people[0], seconds=8.0)).state
    calibrated.close()
    assert first != second == read_calibration(tmp_path / "me.json")


def test_a_calibration_that_cannot_be_written_is_told_once_and_driving_goes_on(
    painter, people, tmp_path, capsys
):
    (tmp_path / "file").touch()
    place = tmp_path / "file" / "me.json"
    asked = painter(calibration_file=place)
    asked(people[0])
    asked.driver.calibrate()
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
