"""The three judgements of a generator: driven by its own target, by another person, by a still face."""

import itertools
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

from face2face import cli
from face2face.evaluation import measures
from face2face.evaluation.measures import Judge
from face2face.face.crop import CropBox
from face2face.face.drawing import draw
from face2face.face.landmarks import LandmarkDetector
from face2face.generator.generator import Generator
from face2face.live.painter import Painter
from face2face.live.stats import Stats
from face2face.sources.base import name_of
from face2face.sources.files import Frame, open_source

STILL_FRAMES, STILL_NOISE = 60, 2.0
"""The still driver: one frame so often, each time with sensor noise of that deviation, of 255."""

RUN_FRAMES = 200
"""Successive frames of the target that drive it as live."""

IDENTITY_FRAMES = 150
"""Frames whose face is compared with the target's: describing one takes longer than painting it."""


@dataclass
class Evaluation:
    """figures: section -> measure -> value. strips: what was painted, for the page, worst first."""

    figures: dict[str, dict[str, float]] = field(default_factory=dict)
    strips: list["Strip"] = field(default_factory=list)


@dataclass(frozen=True)
class Strip:
    """A row of the page. pictures: uint8 (S, S, 3), RGB, by kind."""

    name: str
    pictures: dict[str, np.ndarray]
    measures: str
    badness: float


@dataclass(frozen=True)
class TargetFrames:
    """Frames of the target's clip in model space: pictures uint8 (S, S, 3), RGB, and points (68, 2)."""

    pictures: list[np.ndarray]
    points: list[np.ndarray]
    numbers: list[int]


def known_window(clip: str, generator: Generator) -> CropBox | None:
    """The window in which the generator saw a clip of its target; None if it was trained on whole frames."""
    known = _known_video(clip, generator)
    return CropBox(*known["window"]) if known and known["window"] else None


def _known_video(clip: str, generator: Generator) -> dict | None:
    return next((video for video in generator.target.videos if video["name"] == name_of(Path(clip))), None)


def in_model_space(frame: Frame, window: CropBox | None, size: int) -> tuple[CropBox, np.ndarray]:
    """A frame's window, by default its middle, and what is seen there: uint8 (S, S, 3), RGB."""
    window = window or CropBox.centre(*frame.picture.shape[1::-1])
    return window, cv2.cvtColor(window.picture(frame.picture, size), cv2.COLOR_BGR2RGB)


def target_frames(
    clip: str, generator: Generator, detector: LandmarkDetector, start: float, end: float | None, count: int
) -> TargetFrames:
    """Frames of the target that training has not seen, in the window it was trained in."""
    known, window, size = (
        _known_video(clip, generator),
        known_window(clip, generator),
        generator.target.image_size,
    )
    trained = set(known["frames"]) if known else set()
    with open_source(clip, start, end) as video:
        numbers = [frame.number for frame in video.frames() if frame.number not in trained]
        if not numbers:
            raise cli.UserError(f"expected frames that training has not seen, got none in {clip}")
        chosen = {numbers[int((i + 0.5) * len(numbers) / count)] for i in range(min(count, len(numbers)))}
        seen = TargetFrames([], [], [])
        with cli.progress(len(chosen), "target's frames", "frames") as bar:
            for frame in video.frames(chosen):
                bar.update()
                face = detector.find(frame.picture)
                if face is not None:
                    framed, picture = in_model_space(frame, window, size)
                    seen.pictures.append(picture)
                    seen.points.append(framed.points(face.points, size))
                    seen.numbers.append(frame.number)
    if not seen.numbers:
        raise cli.UserError(f"expected the target's face, got none in {clip}")
    return seen


def evaluate_self(
    frames: TargetFrames, generator: Generator, judge: Judge, result: Evaluation
) -> tuple[np.ndarray, float]:
    """Frames of the target drive the target. Returns its mean descriptor and its own sharpness."""
    from face2face import metrics

    descriptors = [judge.descriptor(p, q) for p, q in zip(frames.pictures, frames.points, strict=True)]
    mean_descriptor = np.mean(descriptors, axis=0)
    own_sharpness = [measures.sharpness(picture) for picture in frames.pictures]
    compared, errors, identities, sharpnesses = [], [], [], []
    with cli.progress(len(frames.numbers), "self", "frames") as bar:
        for number, true, points, sharp in zip(
            frames.numbers, frames.pictures, frames.points, own_sharpness, strict=True
        ):
            drawing = draw(points, generator.target.image_size, generator.target.drawing)
            generated = generator(drawing)
            compared.append(metrics.compare(generated, true))
            sharpnesses.append(measures.sharpness(generated) / sharp)
            said = [str(compared[-1])]
            found = judge.landmarks(generated)
            if found is None:
                said.append("no face found")
            else:
                errors.append(measures.normalised_mean_error(found, points))
                identities.append(judge.identity(generated, found, mean_descriptor))
                said.append(f"landmark error {errors[-1]:.3f}, identity {identities[-1]:.2f}")
            pictures = {"drawing": drawing, "generated": generated, "true": true}
            badness = -compared[-1].ssim
            result.strips.append(Strip(f"self-{number}", pictures, ", ".join(said), badness))
            bar.update()
    means = metrics.mean(compared)
    result.figures["self"] = {
        "frames": len(frames.numbers),
        "L1 (of 255)": means.l1,
        "PSNR (dB)": means.psnr,
        "SSIM": means.ssim,
        "landmark error": float(np.mean(errors)) if errors else float("nan"),
        "identity, median": float(np.median(identities)) if identities else float("nan"),
        "identity of the true frames": float(
            np.median([np.linalg.norm(d - mean_descriptor) for d in descriptors])
        ),
        "sharpness": float(np.median(sharpnesses)),
    }
    return mean_descriptor, float(np.median(own_sharpness))


def evaluate_cross(
    driver: str,
    painter: Painter,
    judge: Judge,
    mean_descriptor: np.ndarray,
    own_sharpness: float,
    result: Evaluation,
) -> Frame:
    """Another person drives, as live. Returns the first frame with a face."""
    first = None
    expressions: list[list[list[float]]] = []
    identities, sharpnesses, changes = [], [], []
    faces = missing = 0
    last: np.ndarray | None = None
    with open_source(driver) as video:
        total = video.frame_count or 0
        described = {int((i + 0.5) * total / IDENTITY_FRAMES) for i in range(IDENTITY_FRAMES)}
        with cli.progress(video.frame_count, "cross", "frames") as bar:
            for frame in video.frames():
                painted = painter(frame, Stats())
                bar.update()
                if painted.points is None:
                    last = None
                    continue
                first = first or frame
                faces += 1
                found = judge.landmarks(painted.generated)
                missing += found is None
                sharpnesses.append(measures.sharpness(painted.generated) / own_sharpness)
                if found is not None:
                    expressions.append(
                        [
                            [float(f(p)) for f in measures.EXPRESSIONS.values()]
                            for p in (painted.points, found)
                        ]
                    )
                    if last is not None:
                        region = measures.outside(found, painted.generated.shape[0])
                        changes.append(measures.flicker(last, painted.generated, region))
                last = painted.generated
                if frame.number in described:
                    said, badness = "no face found", 1.0
                    if found is not None:
                        identities.append(judge.identity(painted.generated, found, mean_descriptor))
                        said, badness = f"identity {identities[-1]:.2f}", identities[-1]
                    kinds = ("driver", "drawing", "generated")
                    pictures = {kind: getattr(painted, kind) for kind in kinds}
                    result.strips.append(Strip(f"cross-{frame.number}", pictures, said, badness))
    if first is None:
        raise cli.UserError(f"expected a face that drives, got none in {driver}")
    series = np.array(expressions or np.zeros((0, 2, len(measures.EXPRESSIONS))))
    result.figures["cross"] = {
        "frames": faces,
        "faces found": 1 - missing / faces,
        "identity, median": float(np.median(identities)) if identities else float("nan"),
        "identity, 90th percentile": float(np.percentile(identities, 90)) if identities else float("nan"),
        "sharpness": float(np.median(sharpnesses)),
        **{
            f"correlation of {name}": measures.correlation(series[:, 0, i], series[:, 1, i])
            for i, name in enumerate(measures.EXPRESSIONS)
        },
    }
    result.figures["steady"] = {
        "flicker outside the face (of 255), driven by another": float(np.mean(changes)) if changes else 0.0
    }
    return first


def evaluate_flicker(
    clip: str,
    start: float,
    end: float | None,
    generator: Generator,
    painter: Painter,
    result: Evaluation,
) -> None:
    """The target drives itself, frame after frame as live: beside what changes in its own video."""
    window, size = known_window(clip, generator), generator.target.image_size
    changes: list[tuple[float, float]] = []
    before: tuple[np.ndarray, np.ndarray] | None = None
    with open_source(clip, start, end) as video, cli.progress(RUN_FRAMES, "steady", "frames") as bar:
        for frame in itertools.islice(video.frames(), RUN_FRAMES):
            bar.update()
            painted = painter(frame, Stats())
            if painted.points is None:
                before = None
                continue
            framed, true = in_model_space(frame, window, size)
            if before is not None:
                region = measures.outside(framed.points(painted.points, size), size)
                now = (painted.generated, true)
                changes.append(
                    tuple(measures.flicker(*both, region) for both in zip(before, now, strict=True))
                )
            before = painted.generated, true
    if changes:
        generated, true = np.mean(changes, axis=0)
        result.figures["steady"] |= {
            "the same, driven by the target itself": float(generated),
            "of the target's own frames then": float(true),
        }


def evaluate_still(frame: Frame, painter: Painter, judge: Judge, result: Evaluation) -> None:
    """A still driver, whose camera has noise."""
    noise = np.random.default_rng(0)
    raw, found = [], []
    for i in range(STILL_FRAMES):
        shaken = frame.picture + noise.normal(0, STILL_NOISE, frame.picture.shape)
        still = Frame(i, i / 25, np.clip(np.rint(shaken), 0, 255).astype(np.uint8))
        face = judge.detector.find(still.picture)
        painted = painter(still, Stats())
        points = judge.landmarks(painted.generated)
        if i >= STILL_FRAMES // 2 and face is not None and points is not None:  # it has come to rest
            raw.append(face.points)
            found.append(points)
    if raw:
        result.figures["steady"]["jitter of the driver's landmarks, raw"] = measures.jitter(np.array(raw))
        result.figures["steady"]["jitter of the output's landmarks"] = measures.jitter(np.array(found))
