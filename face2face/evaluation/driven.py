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
from face2face.evaluation.results import Evaluation, Strip, mean_or_nan, percentile_or_nan
from face2face.evaluation.target_frames import Clip, in_model_space, known_crop_box
from face2face.face.tracking import Tracker
from face2face.generator.generator import Generator
from face2face.live.painter import Painter
from face2face.sampling import spread_indices
from face2face.sources.base import Frame, as_text, name_of
from face2face.sources.open import open_source
from face2face.target.selection import frame_span

STILL_FRAMES, STILL_FPS = 60, 25
"""The still driver: one frame, repeated so often, at that rate."""
STILL_NOISE = 2.0
"""Standard deviation of the sensor noise that is added to each repetition, of 255."""

RUN_FRAMES = 200
"""Number of successive frames of the target that drive it as live."""

LOOKS_FRAMES = 150
"""Number of frames whose looks are measured: describing a face takes longer than generating it."""


def evaluate_cross(
    driver: str,
    painter: Painter,
    tracker: Tracker,
    judge: Judge,
    target: TrueFace,
    result: Evaluation,
) -> tuple[Frame, float]:
    """Judge the generator driven by another person.

    Args:
        driver: path of the clip.
        tracker: the painter's.
        target: what the target's true frames tell of its face.
        result: gets the figures of this driver, and strips.

    Returns:
        The first frame with a face, and the flicker outside the face.

    Raises:
        UserError: if the clip shows no face.
    """
    first = None
    looks, following = Looks(judge), Following()
    sharpnesses, changes, warpings = [], [], []
    heads: list[tuple[np.ndarray, np.ndarray]] = []
    row = f"cross-{len(result.drivers) + 1}" if result.drivers else "cross"
    faces = missing = 0
    last: np.ndarray | None = None
    with open_source(driver) as video:
        painter.driver.look_ahead(video, math.inf)  # the figures do not depend on the speed of the machine
        described = set(spread_indices(len(frame_span(video)), LOOKS_FRAMES))
        with cli.progress(video.frame_count, "cross", "frames") as bar:
            for frame in video.frames():
                driven = painter(frame)
                bar.update()
                if driven.points is None:
                    last = None
                    following.add(None, None, None)
                    continue
                first = first or frame
                faces += 1
                found = judge.landmarks(driven.generated)
                gazes = None
                if found is not None:
                    picture = cv2.cvtColor(frame.picture, cv2.COLOR_BGR2RGB)
                    gazes = judge.gaze(picture, tracker.found), judge.gaze(driven.generated, found)
                following.add(tracker.found, driven.points, found, gazes)
                missing += found is None
                sharpnesses.append(measures.sharpness(driven.generated) / target.sharpness)
                if found is not None:
                    heads.append((driven.points, found))
                if last is not None:
                    warpings.append(steadiness.warping_error(last, driven.generated))
                if found is not None and last is not None:
                    region = regions.outside(found, driven.generated.shape[0])
                    changes.append(measures.flicker(last, driven.generated, region))
                last = driven.generated
                if frame.number in described:
                    said, badness = "no face found", 1.0
                    if found is not None:
                        looks.add(driven.generated, found, found)
                        badness = judge.distance(looks.faces[-1], target.identity)
                        said = f"identity {badness:.2f}, stains {looks.stains[-1]:.1f} %"
                    kinds = ("driver", "drawing", "generated")
                    pictures = {kind: getattr(driven, kind) for kind in kinds}
                    said = f"{name_of(Path(driver))}: {said}"
                    result.strips.append(Strip(f"{row}-{frame.number}", pictures, said, badness))
    if video.shortfall:
        result.shortfalls.append(video.shortfall)
    if first is None:
        raise cli.UserError(f"expected a face that drives, got none in {driver}")
    result.drivers[as_text(driver)] = {
        "frames": faces,
        "faces_found": 1 - missing / faces,
        "sharpness": float(np.median(sharpnesses)),
        **looks.artefacts(),
        "stains_p90": percentile_or_nan(looks.stains, 90),
        **{
            f"{key}_{name}": percentile_or_nan(distances, percentage)
            for key, distances in (
                looks.distances(target.identity)
                | {"identity_expected": list(target.expected_identity(looks.motions))}
            ).items()
            for name, percentage in (("median", 50), ("p90", 90))
        },
        **following.values(),
        "warping_error": mean_or_nan(warpings),
        **steadiness.own_motion([by for by, _ in heads], [painted for _, painted in heads]),
    }
    return first, float(np.mean(changes)) if changes else 0.0


def evaluate_flicker(clip: Clip, generator: Generator, painter: Painter, result: Evaluation) -> None:
    """Judge how much changes outside the face when the target drives itself, and in its own video then.

    Args:
        clip: of the target; its first `RUN_FRAMES` frames are read.
        result: gets the figures.
    """
    crop_box, size = known_crop_box(clip.path, generator), generator.target.image_size
    changes: list[tuple[float, float]] = []
    warpings: list[list[float]] = []
    before: tuple[np.ndarray, np.ndarray] | None = None
    with (
        open_source(clip.path, clip.start, clip.end) as video,
        cli.progress(RUN_FRAMES, "steady", "frames") as bar,
    ):
        for frame in itertools.islice(video.frames(), RUN_FRAMES):
            bar.update()
            driven = painter(frame)
            if driven.points is None:
                before = None
                continue
            used, true = in_model_space(frame, crop_box, size)
            now = (driven.generated, true)
            if before is not None:
                region = regions.outside(used.points(driven.points, size), size)
                changes.append(
                    tuple(measures.flicker(*both, region) for both in zip(before, now, strict=True))
                )
                warpings.append([steadiness.warping_error(*both) for both in zip(before, now, strict=True)])
            before = now
    if changes:
        generated, true = np.mean(changes, axis=0)
        result.values["steady"] |= {"flicker_self": float(generated), "flicker_true": float(true)}
        painted, filmed = zip(*warpings, strict=True)
        result.values["steady"] |= {
            "warping_error_self": mean_or_nan(painted),
            "warping_error_true": mean_or_nan(filmed),
        }


def evaluate_still(frame: Frame, painter: Painter, judge: Judge, result: Evaluation) -> None:
    """Judge how much the landmarks of a still driver shake, in front of a camera with noise.

    Args:
        frame: of the driver; it is repeated with noise added.
        result: gets the figures.
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
