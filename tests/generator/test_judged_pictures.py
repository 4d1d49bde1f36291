"""What is measured picture by picture in *self* and *cross*, on painted faces whose answers are known."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from face2face.evaluation import driven, identity
from face2face.evaluation.driven import CrossMeasures
from face2face.evaluation.evaluation import evaluate_self
from face2face.evaluation.expected_identity import ExpectedIdentity
from face2face.evaluation.following import motions
from face2face.evaluation.looks import TrueFace
from face2face.evaluation.measures import Judge
from face2face.evaluation.results import Evaluation
from face2face.evaluation.target_frames import TargetFrames
from face2face.face.eyes import EyeDetector
from face2face.face.landmarks import LandmarkDetector
from face2face.live.driven_frame import DrivenFrame
from face2face.sources.base import Frame
from face2face.target.target_file import Target
from tests.generator.test_artefacts import SIZE, faces, usual_depth, with_dark_dots
from tests.winking import blink, winking

BLANK = np.full((SIZE, SIZE, 3), 90, np.uint8)
FPS = 10
LEFT = 90
"""Where the square around the demo's man begins in his clip, pixels."""


@pytest.fixture(scope="module")
def judge() -> Judge:
    return Judge(LandmarkDetector(), identity.descriptors(), None)


@pytest.fixture(scope="module")
def photos(clips) -> list[tuple[np.ndarray, np.ndarray]]:
    """Two pictures of the target, and the landmarks in each."""
    return faces(clips / "WolfgangLanger_Pexels.mp4", {290, 330})


@pytest.fixture
def cross(judge, photos) -> CrossMeasures:
    return cross_of(judge, photos[0])


def cross_of(judge: Judge, photo: tuple[np.ndarray, np.ndarray]) -> CrossMeasures:
    """Measures of a target who looks as in a picture with its landmarks."""
    picture, points = photo
    expected = ExpectedIdentity(np.array([motions(points)] * 2), np.zeros(2))
    target = TrueFace(judge.describe(picture, judge.landmarks(picture)), expected, 1.0, 10.0)
    return CrossMeasures(judge, target, "driver.mp4", "cross")


def add(
    cross: CrossMeasures,
    number: int,
    painted: np.ndarray,
    points: np.ndarray,
    drawn: np.ndarray | None = None,
    in_sample: bool = False,
) -> None:
    """A frame in which the driver's landmarks, those drawn, and the painted face are given."""
    frame = Frame(number, number / FPS, BLANK)
    drawn = points if drawn is None else drawn
    made = DrivenFrame(
        *(frame.seconds, 0.0, BLANK),
        detected=points,
        points=points,
        target_points=drawn,
        drawing=BLANK,
        generated=painted,
    )
    cross.add(frame, made, in_sample)


def test_pictures_without_a_face_have_strips_worst_of_all_also_beside_the_sample(cross, photos, monkeypatch):
    monkeypatch.setattr(driven, "MISSING_STRIPS", 3)
    (_, points), (other, _) = photos
    for number in range(12):
        is_blank, in_sample = number % 2 == 1, number in (0, 2, 9)
        add(cross, number, BLANK if is_blank else other, points, in_sample=in_sample)
    names = {strip.name: strip for strip in cross.strips}
    assert list(names) == [f"cross-{number}" for number in (0, 1, 2, 3, 5, 9)]
    worst = sorted(cross.strips, key=lambda strip: -strip.badness)
    assert {strip.name for strip in worst[:4]} == {f"cross-{number}" for number in (1, 3, 5, 9)}
    assert names["cross-1"].measures == "driver.mp4: no face found"
    assert names["cross-0"].measures.startswith("driver.mp4: identity 0.")
    assert cross.values()["faces_found"] == 0.5


def test_the_opening_is_the_first_seconds_from_the_drivers_first_face_on(cross, photos):
    """The target's own picture is at 0: it is painted once within the opening, and twice after it."""
    (target, points), (other, _) = photos
    first = 100
    for second, painted in ((0, BLANK), (1, other), (2.8, target), (2.9, other), (3, target), (4, target)):
        add(cross, first + round(FPS * second), painted, points, in_sample=second >= 3)
    values = cross.values()
    assert np.isnan(values["identity_first"]) and values["identity_opening_median"] > 0.1
    assert values["identity_median"] < 0.1


def test_the_first_pictures_identity_is_known_beside_the_sample_and_in_it(judge, cross, photos):
    (_, points), (other, _) = photos
    add(cross, 0, other, points, in_sample=True)
    add(cross, 1, other, points)
    values = cross.values()
    assert values["identity_first"] == values["identity_opening_median"] == values["identity_median"] > 0.1


def test_motion_that_was_drawn_is_not_the_generators_own(cross, photos):
    """The drawn head goes another way than the driver's; the painted one is where it is drawn."""
    picture, points = photos[0]
    time = np.linspace(0, 4 * np.pi, 16)
    for number, (down, across) in enumerate(zip(8 * np.sin(3 * time), 12 * np.sin(time), strict=True)):
        drawn = np.round(np.array([0.0, down]))
        painted = cv2.warpAffine(
            picture, np.float64([[1, 0, 0], [0, 1, drawn[1]]]), (SIZE, SIZE), borderMode=cv2.BORDER_REPLICATE
        )
        add(cross, number, painted, points + np.array([across, 0]), points + drawn)
    values = cross.values()
    assert values["swim"] > 5 and values["swim_painted"] < 0.3 * values["swim"]
    assert values["pumping_painted"] < 1.5


def test_dark_specks_are_those_that_the_true_frames_do_not_show(judge, photos):
    """In both sections: the painted pictures are the true ones with specks."""
    specked, result = [with_dark_dots(*photo) for photo in photos], Evaluation()
    true, points = zip(*photos, strict=True)
    painted = iter(specked)
    frames = TargetFrames(list(true), list(points), [0, 1], SIZE)
    target = evaluate_self(frames, Target(SIZE), lambda _: next(painted), judge, result)
    assert target.depth == usual_depth(photos)
    assert result.values["self"]["dark_specks"] > 1 > 0.3 > result.values["self"]["dark_specks_true"]
    cross = CrossMeasures(judge, target, "driver.mp4", "cross")
    for number, picture in enumerate((true[0], specked[0])):
        add(cross, number, picture, points[0], in_sample=True)
    values = cross.values()
    assert values["dark_specks"] > 0.5 and values["dark_specks_p90"] > 1.5 * values["dark_specks"]
    assert all("dark specks 1." in strip.measures for strip in (*result.strips, cross.strips[1]))
    assert "dark specks 0." in cross.strips[0].measures


def test_without_irises_the_gaze_has_no_figures(cross, photos):
    add(cross, 0, *photos[0], in_sample=True)
    assert not [key for key in cross.values() if "gaze" in key]


def test_a_painted_wink_counts(judge, photos, clips):
    """dlib's landmarks alone make two half-shut eyes of it."""
    blinking = blink(clips)
    gains = []
    for eyes in (None, EyeDetector()):
        cross = cross_of(replace(judge, eye_detector=eyes), photos[0])
        for number, shut in enumerate([(), (0,), (1,), (0, 1)] * 2):
            picture, points = winking(blinking, *shut)
            painted = cv2.cvtColor(picture[:, LEFT : LEFT + len(picture)], cv2.COLOR_BGR2RGB)
            add(cross, number, painted, points - (LEFT, 0.0), in_sample=number == 0)
        gains.append(cross.values()["eye_difference_gain"])
    hidden, found = gains
    assert hidden < 0.4 < 0.75 < found < 1.25
