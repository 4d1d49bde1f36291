"""The driver's face at rest, looked for in a file before it is driven: for how long, and whose it is."""

import itertools
import math
from pathlib import Path

import cv2
import numpy as np
import pytest

from face2face import pictures
from face2face.cli import UserError
from face2face.evaluation.driven import evaluate_cross
from face2face.evaluation.measures import Judge
from face2face.evaluation.results import Evaluation
from face2face.face.geometry import interocular_distance
from face2face.face.landmarks import LandmarkDetector
from face2face.face.tracking import Tracker
from face2face.generator.generator import Generator
from face2face.live.driver import Driver
from face2face.live.look_ahead import LOOK_AHEAD_SECONDS
from face2face.live.options import DrivingOptions
from face2face.live.painter import Painter
from face2face.sources.open import open_source
from face2face.target.target_file import Target
from tests.live.test_driver import ANY_FACE, carried, driver_of


@pytest.fixture(scope="module")
def detector() -> LandmarkDetector:
    return LandmarkDetector()


@pytest.fixture(scope="module")
def target(frozen_model) -> Target:
    return Generator(frozen_model).target


def test_the_search_ends_in_time_with_what_was_found(detector, target, clips):
    assert LOOK_AHEAD_SECONDS <= 2
    driver = driver_of(detector, target)
    with open_source(str(clips / "single_face.mp4")) as source:
        driver.look_ahead(source, 0)
        carried(driver, next(source.frames()))
    assert driver.state(ANY_FACE, 0.0).startswith("calibrating")


def of_two(folder: Path, clips: Path, is_there: list[bool]) -> Path:
    """Images of two people at rest: a large face on the left, which is not always there, and a small one."""
    with (
        open_source(str(clips / "single_face.mp4")) as large,
        open_source(str(clips / "WolfgangLanger_Pexels.mp4")) as small,
    ):
        folder.mkdir()
        for number, (first, second, is_here) in enumerate(
            zip(itertools.cycle(list(large.frames())), small.frames(), is_there, strict=False)
        ):
            both = np.full((360, 540, 3), first.picture[0, 0])
            both[90:270, 360:] = cv2.resize(second.picture[:, 230:590], (180, 180))
            if is_here:
                both[:, :360] = first.picture[:, 120:480]
            pictures.write(folder / f"{number}.png", both[:, :, ::-1])
    return folder


def driven_ahead(driver: Driver, folder: Path, is_looked_through: bool = True) -> np.ndarray:
    """What is carried of a folder's first images, float (3, 68, 2)."""
    with open_source(str(folder)) as source:
        if is_looked_through:
            driver.look_ahead(source, math.inf)
        return np.array([carried(driver, frame)[0] for frame in source.frames(range(3))])


def test_the_face_at_rest_of_another_person_does_not_count(detector, target, clips, tmp_path):
    """Who comes in after the first frame is seen in all that are looked through, and is not followed."""
    late = of_two(tmp_path / "late", clips, [False] + [True] * 99)
    driver = driver_of(detector, target)
    found = driven_ahead(driver, late)
    assert driver.state(ANY_FACE, 0.0).startswith("calibrating")
    np.testing.assert_array_equal(found, driven_ahead(driver_of(detector, target), late, False))


def test_who_is_away_for_a_while_is_not_mixed_with_who_stays(detector, target, clips, tmp_path):
    away = of_two(tmp_path / "away", clips, [True] * 5 + [False] * 6 + [True] * 5)
    always = of_two(tmp_path / "always", clips, [True] * 16)
    driver = driver_of(detector, target)
    found, expected = driven_ahead(driver, away), driven_ahead(driver_of(detector, target), always)
    assert driver.state(ANY_FACE, 0.0) == ""
    iod = interocular_distance(target.face.neutral)
    assert np.linalg.norm(found - expected, axis=-1).max() < 0.05 * iod


class Counting(LandmarkDetector):
    """Counts how many pictures are searched."""

    searched = 0

    def find(self, *arguments):
        self.searched += 1
        return super().find(*arguments)


def test_an_evaluation_looks_through_a_clip_without_a_time_limit(frozen_model, photos, monkeypatch):
    """Its figures would depend on the machine's speed."""
    monkeypatch.setattr(Driver.look_ahead, "__defaults__", (0.0,))
    detector = Counting()
    judge = Judge(detector, ())
    with (
        Painter(Tracker(detector), [Generator(frozen_model)], DrivingOptions()) as painter,
        pytest.raises(UserError, match="expected a face that drives"),
    ):
        evaluate_cross(str(photos), painter, judge, None, Evaluation())
    assert detector.searched == 2 * len(list(photos.iterdir()))
