"""Judges a generator driven as live: by another person, by the target, and by a still face."""

import itertools
import math
from pathlib import Path

import cv2
import numpy as np

from face2face import cli
from face2face.evaluation import measures, regions, steadiness
from face2face.evaluation.following import Following
from face2face.evaluation.looks import Looks, TrueFace
from face2face.evaluation.measures import Judge
from face2face.evaluation.results import (
    OPENING_SECONDS,
    Evaluation,
    Strip,
    mean_or_nan,
    percentile_or_nan,
)
from face2face.evaluation.target_frames import in_model_space
from face2face.face.crop import CropBox
from face2face.live.driven_frame import DrivenFrame
from face2face.live.painter import Painter
from face2face.sampling import spread_indices
from face2face.sources.base import Frame, Source, as_text, name_of
from face2face.sources.open import open_source

STILL_FRAMES, STILL_FPS = 60, 25
"""The still driver: one frame, repeated so often, at that rate."""
STILL_NOISE = 2.0
"""Standard deviation of the sensor noise that is added to each repetition, of 255."""

RUN_FRAMES = 200
"""Number of successive frames of the target that drive it as live."""

LOOKS_FRAMES = 150
"""Number of frames whose looks are measured: describing a face takes longer than generating it."""
MISSING_STRIPS = 50
"""Number of strips with pictures in which no face is found, beside those of these frames."""


class CrossMeasures:
    """What is measured of a driver's frames and of the faces that are painted of them.

    Attributes:
        first: The first frame with a driver's face.
        changes: Flicker outside the face, from each picture to the next.
        strips: The rows of the page.
    """

    def __init__(self, judge: Judge, target: TrueFace, driver: str, row: str) -> None:
        """Begin with nothing.

        Args:
            target: What the target's true frames tell of its face.
            driver: Name of the clip.
            row: Start of the strips' names.
        """
        self._judge, self._target, self._driver, self._row = judge, target, driver, row
        self._looks, self._following = Looks(judge), Following(with_gaze=judge.eye_detector is not None)
        self._sharpnesses: list[float] = []
        self._warpings: list[float] = []
        self._opening: list[float] = []
        self._heads: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
        self._missing = self._missing_beside_sample = 0
        self._last: np.ndarray | None = None
        self.first: Frame | None = None
        self.changes: list[float] = []
        self.strips: list[Strip] = []

    def add(self, frame: Frame, driven: DrivenFrame, in_sample: bool) -> None:
        """Measure a frame.

        Args:
            driven: What has been made of it.
            in_sample: Whether it is one of the frames whose looks are measured.
        """
        if driven.points is None:
            self._last = None
            self._following.add(None, None, None)
            return
        self.first = self.first or frame
        found = self._judge.landmarks(driven.generated)
        self._add_motion(frame, driven, found)
        self._add_changes(driven.generated, found)
        self._sharpnesses.append(measures.sharpness(driven.generated) / self._target.sharpness)
        self._missing += found is None
        self._missing_beside_sample += found is None and not in_sample
        said, distance = "no face found", float("nan")
        in_opening = frame.seconds - self.first.seconds < OPENING_SECONDS
        if found is not None and in_sample:
            self._looks.add(driven.generated, found, found)
            distance = self._judge.distance(self._looks.faces[-1], self._target.identity)
            said = f"identity {distance:.2f}, {self._looks.of_last_skin(self._target.depth)}"
        elif found is not None and in_opening:
            face = self._judge.describe(driven.generated, found)
            distance = self._judge.distance(face, self._target.identity)
        if in_opening:
            self._opening.append(distance)
        if in_sample or (found is None and self._missing_beside_sample <= MISSING_STRIPS):
            pictures = {
                "driver": driven.preview,
                "drawing": driven.drawing,
                "generated": driven.generated,
            }
            badness = 1.0 if found is None else distance
            name, said = f"{self._row}-{frame.number}", f"{self._driver}: {said}"
            self.strips.append(Strip(name, pictures, said, badness))

    def _add_motion(self, frame: Frame, driven: DrivenFrame, found: np.ndarray | None) -> None:
        gazes = painted = None
        if found is not None:
            painted, painted_gaze = self._judge.look(driven.generated, found)
            self._heads.append((driven.points, driven.target_points, found))
            if painted_gaze is not None:
                picture = cv2.cvtColor(frame.picture, cv2.COLOR_BGR2RGB)
                gazes = self._judge.gaze(picture, driven.detected), painted_gaze
        self._following.add(driven.detected, driven.points, painted, gazes)

    def _add_changes(self, painted: np.ndarray, found: np.ndarray | None) -> None:
        if self._last is not None:
            self._warpings.append(steadiness.warping_error(self._last, painted))
            if found is not None:
                region = regions.outside(found, painted.shape[0])
                self.changes.append(measures.flicker(self._last, painted, region))
        self._last = painted

    def values(self) -> dict[str, float]:
        """The figures, by the keys of `results.FIGURES["cross"]`."""
        looks, target, faces = self._looks, self._target, len(self._sharpnesses)
        identities = looks.distances(target.identity)
        identities["identity_expected"] = list(target.expected_identity(looks.motions))
        drivers, drawn, painted = zip(*self._heads, strict=True) if self._heads else ((), (), ())
        not_drawn = steadiness.own_motion(drawn, painted)
        return {
            "frames": faces,
            "faces_found": 1 - self._missing / faces,
            "sharpness": float(np.median(self._sharpnesses)),
            **looks.artefacts(target.depth),
            "stains_p90": percentile_or_nan(looks.stains, 90),
            "dark_specks_p90": percentile_or_nan(looks.dark_specks(target.depth), 90),
            **{
                f"{key}_{name}": percentile_or_nan(distances, percentage)
                for key, distances in identities.items()
                for name, percentage in (("median", 50), ("p90", 90))
            },
            "identity_first": self._opening[0],
            "identity_opening_median": percentile_or_nan(self._opening, 50),
            **self._following.values(),
            "warping_error": mean_or_nan(self._warpings),
            **steadiness.own_motion(drivers, painted),
            **{f"{key}_painted": value for key, value in not_drawn.items()},
        }


def evaluate_cross(
    driver: str,
    painter: Painter,
    judge: Judge,
    target: TrueFace,
    result: Evaluation,
    look_ahead: bool = True,
) -> tuple[Frame, float]:
    """Judge the generator driven by another person.

    Args:
        driver: Path of the clip.
        target: What the target's true frames tell of its face.
        result: Gets the figures of this driver, and strips.
        look_ahead: Whether the driver's face at rest is looked for in the whole clip first.

    Returns:
        The first frame with a face, and the flicker outside the face.

    Raises:
        UserError: If the clip shows no face.
    """
    row = f"cross-{len(result.drivers) + 1}" if result.drivers else "cross"
    cross = CrossMeasures(judge, target, name_of(Path(driver)), row)
    with open_source(driver) as video:
        if look_ahead:
            painter.driver.look_ahead(video, math.inf)  # the figures do not depend on the machine's speed
        sample = set(spread_indices(len(video.span()), LOOKS_FRAMES))
        with cli.progress(video.frame_count, "cross", "frames") as bar:
            for frame in video.frames():
                driven = painter(frame)
                bar.update()
                cross.add(frame, driven, frame.number in sample)
    if video.shortfall:
        result.shortfalls.append(video.shortfall)
    if cross.first is None:
        raise cli.UserError(f"expected a face that drives, got none in {driver}")
    result.strips += cross.strips
    result.drivers[as_text(driver)] = cross.values()
    return cross.first, mean_or_nan(cross.changes)


def evaluate_flicker(video: Source, crop_box: CropBox | None, painter: Painter, result: Evaluation) -> None:
    """Measure the change outside the face in the generated video, and for comparison in the target's own.

    The target drives itself. The warping error of both videos is measured, too.

    Args:
        video: Of the target, the painter's; its first `RUN_FRAMES` frames are read.
        crop_box: Of the training in its frames; None: unknown.
        result: Gets the figures.
    """
    changes: list[tuple[float, float]] = []
    warpings: list[list[float]] = []
    before: tuple[np.ndarray, np.ndarray] | None = None
    with cli.progress(RUN_FRAMES, "steady", "frames") as bar:
        for frame in itertools.islice(video.frames(), RUN_FRAMES):
            bar.update()
            driven = painter(frame)
            if driven.points is None:
                before = None
                continue
            used, true = in_model_space(frame, crop_box, painter.size)
            now = (driven.generated, true)
            if before is not None:
                region = regions.outside(used.points(driven.points, painter.size), painter.size)
                changes.append(
                    tuple(measures.flicker(*both, region) for both in zip(before, now, strict=True))
                )
                warpings.append([steadiness.warping_error(*both) for both in zip(before, now, strict=True)])
            before = now
    if changes:
        generated, true = zip(*changes, strict=True)
        result.values["steady"] |= {
            "flicker_self": mean_or_nan(generated),
            "flicker_true": mean_or_nan(true),
        }
        painted, filmed = zip(*warpings, strict=True)
        result.values["steady"] |= {
            "warping_error_self": mean_or_nan(painted),
            "warping_error_true": mean_or_nan(filmed),
        }


def evaluate_still(frame: Frame, painter: Painter, judge: Judge, result: Evaluation) -> None:
    """Judge how much the landmarks of a still driver shake, in front of a camera with noise.

    Args:
        frame: Of the driver; it is repeated with noise added.
        result: Gets the figures.
    """
    noise = np.random.default_rng(0)
    raw, found = [], []
    for i in range(STILL_FRAMES):
        noisy = frame.picture + noise.normal(0, STILL_NOISE, frame.picture.shape)
        still = Frame(i, i / STILL_FPS, np.clip(np.rint(noisy), 0, 255).astype(np.uint8))
        face = judge.detector.find(still.picture)
        driven = painter(still)
        points = judge.landmarks(driven.generated)
        # The first half is left out: smoothing and calibration settle in it.
        if i >= STILL_FRAMES // 2 and face is not None and points is not None:
            raw.append(face.points)
            found.append(points)
    if raw:
        result.values["steady"]["jitter_driver"] = measures.jitter(np.array(raw))
        result.values["steady"]["jitter_generated"] = measures.jitter(np.array(found))
