"""Judges a generator driven as live: by another person, by the target, and by a still face."""

import itertools

import numpy as np

from face2face import cli
from face2face.evaluation import measures
from face2face.evaluation.measures import Judge
from face2face.evaluation.results import Evaluation, Strip, median_or_nan
from face2face.evaluation.target_frames import Clip, in_model_space, known_crop_box
from face2face.generator.generator import Generator
from face2face.live.painter import Painter
from face2face.sampling import spread_indices
from face2face.sources.base import Frame
from face2face.sources.open import open_source

STILL_FRAMES, STILL_FPS = 60, 25
"""The still driver: one frame, repeated so often, at that rate."""
STILL_NOISE = 2.0
"""Standard deviation of the sensor noise that is added to each repetition, of 255."""

RUN_FRAMES = 200
"""Number of successive frames of the target that drive it as live."""

IDENTITY_FRAMES = 150
"""Number of frames whose identity is measured: describing a face takes longer than generating it."""


def evaluate_cross(
    driver: str,
    painter: Painter,
    judge: Judge,
    mean_descriptor: np.ndarray,
    true_sharpness: float,
    result: Evaluation,
) -> Frame:
    """Judge the generator driven by another person.

    Args:
        driver: path of the clip.
        mean_descriptor: of the target's true frames, float (128,).
        true_sharpness: median sharpness of the target's true frames.
        result: gets the figures and strips.

    Returns:
        The first frame with a face.

    Raises:
        UserError: if the clip shows no face.
    """
    first = None
    expressions: list[list[list[float]]] = []
    identities, sharpnesses, changes = [], [], []
    faces = missing = 0
    last: np.ndarray | None = None
    with open_source(driver) as video:
        painter.look_ahead(video)
        described = set(spread_indices(video.frame_count or 1, IDENTITY_FRAMES))
        with cli.progress(video.frame_count, "cross", "frames") as bar:
            for frame in video.frames():
                driven = painter(frame)
                bar.update()
                if driven.points is None:
                    last = None
                    continue
                first = first or frame
                faces += 1
                found = judge.landmarks(driven.generated)
                missing += found is None
                sharpnesses.append(measures.sharpness(driven.generated) / true_sharpness)
                if found is not None:
                    both = (driven.points, found)
                    expressions.append([[float(f(p)) for f in measures.EXPRESSIONS.values()] for p in both])
                    if last is not None:
                        region = measures.outside(found, driven.generated.shape[0])
                        changes.append(measures.flicker(last, driven.generated, region))
                last = driven.generated
                if frame.number in described:
                    said, badness = "no face found", 1.0
                    if found is not None:
                        identities.append(judge.identity(driven.generated, found, mean_descriptor))
                        said, badness = f"identity {identities[-1]:.2f}", identities[-1]
                    kinds = ("driver", "drawing", "generated")
                    pictures = {kind: getattr(driven, kind) for kind in kinds}
                    result.strips.append(Strip(f"cross-{frame.number}", pictures, said, badness))
    if video.shortfall:
        result.shortfalls.append(video.shortfall)
    if first is None:
        raise cli.UserError(f"expected a face that drives, got none in {driver}")
    series = np.array(expressions or np.zeros((0, 2, len(measures.EXPRESSIONS))))
    result.values["cross"] = {
        "frames": faces,
        "faces_found": 1 - missing / faces,
        "identity_median": median_or_nan(identities),
        "identity_p90": float(np.percentile(identities, 90)) if identities else float("nan"),
        "sharpness": float(np.median(sharpnesses)),
        **{
            f"{name}_correlation": measures.correlation(series[:, 0, i], series[:, 1, i])
            for i, name in enumerate(measures.EXPRESSIONS)
        },
    }
    result.values["steady"] = {"flicker_cross": float(np.mean(changes)) if changes else 0.0}
    return first


def evaluate_flicker(clip: Clip, generator: Generator, painter: Painter, result: Evaluation) -> None:
    """Judge how much changes outside the face when the target drives itself, and in its own video then.

    Args:
        clip: of the target; its first `RUN_FRAMES` frames are read.
        result: gets the figures.
    """
    crop_box, size = known_crop_box(clip.path, generator), generator.target.image_size
    changes: list[tuple[float, float]] = []
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
                region = measures.outside(used.points(driven.points, size), size)
                changes.append(
                    tuple(measures.flicker(*both, region) for both in zip(before, now, strict=True))
                )
            before = now
    if changes:
        generated, true = np.mean(changes, axis=0)
        result.values["steady"] |= {"flicker_self": float(generated), "flicker_true": float(true)}


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
