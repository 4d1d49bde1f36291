"""Judges a frozen generator: as a whole, and on the true frames of its own target."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from face2face import cli, metrics
from face2face.evaluation import driven, measures
from face2face.evaluation.identity import FaceDescriptor
from face2face.evaluation.measures import Judge
from face2face.evaluation.results import Evaluation, Strip, mean_or_nan, median_or_nan
from face2face.evaluation.target_frames import Clip, TargetFrames, target_frames
from face2face.face.drawing import draw
from face2face.face.landmarks import LandmarkDetector
from face2face.face.smoothing import DEFAULT_STRENGTH
from face2face.face.tracking import Tracker
from face2face.generator.generator import Generator
from face2face.live.options import DrivingOptions
from face2face.live.painter import Painter
from face2face.sources.base import name_of


@dataclass(frozen=True)
class EvaluationOptions:
    """What a generator is judged on.

    Attributes:
        target: the clip of the target.
        driver: path of a clip of another person.
        landmark_model: dlib's model of 68 landmarks.
        frames: number of the target's frames, spread evenly.
        retarget: whether the driver's motion is carried onto the target's face.
        smoothing: of the landmarks, 0 to 1.
        expression: how much of the driver's expression is carried, 0 to 2.
        head: how much of the driver's head motion is carried, 0 to 2.
    """

    target: Clip
    driver: str
    landmark_model: Path
    frames: int = 100
    retarget: bool = True
    smoothing: float = DEFAULT_STRENGTH
    expression: float = 1.0
    head: float = 1.0


def evaluate(model: Path, options: EvaluationOptions) -> Evaluation:
    """Judge a frozen generator.

    Raises:
        UserError: if the model is no generator, or a clip shows no face.
    """
    generator = Generator(model)
    judge = Judge(LandmarkDetector(options.landmark_model), FaceDescriptor())

    def painter(source: str = "") -> Painter:
        tracker = Tracker(judge.detector, options.smoothing)
        driving = DrivingOptions(retarget=options.retarget, expression=options.expression, head=options.head)
        return Painter(tracker, [generator], driving, source)

    result = Evaluation()
    frames = target_frames(options.target, generator, judge.detector, options.frames)
    if frames.shortfall:
        result.shortfalls.append(frames.shortfall)
    descriptor, true_sharpness = evaluate_self(frames, generator, judge, result)
    with painter() as live:
        first = driven.evaluate_cross(options.driver, live, judge, descriptor, true_sharpness, result)
    with painter(name_of(Path(options.target.path))) as live:
        driven.evaluate_flicker(options.target, generator, live, result)
    with painter() as live:
        driven.evaluate_still(first, live, judge, result)
    return result


def evaluate_self(
    frames: TargetFrames, generator: Generator, judge: Judge, result: Evaluation
) -> tuple[np.ndarray, float]:
    """Judge the generator on drawings of the target's own frames, whose true pictures are known.

    Returns:
        The mean descriptor of the target's true frames, float (128,), and their median sharpness.
    """
    descriptors = [judge.descriptor(p, q) for p, q in zip(frames.pictures, frames.points, strict=True)]
    mean_descriptor = np.mean(descriptors, axis=0)
    true_sharpness = [measures.sharpness(picture) for picture in frames.pictures]
    compared, errors, identities, sharpnesses = [], [], [], []
    with cli.progress(len(frames.numbers), "self", "frames") as bar:
        for number, true, points, sharp in zip(
            frames.numbers, frames.pictures, frames.points, true_sharpness, strict=True
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
                said.append(f"NME {errors[-1]:.3f}, identity {identities[-1]:.2f}")
            pictures = {"drawing": drawing, "generated": generated, "true": true}
            badness = -compared[-1].ssim
            result.strips.append(Strip(f"self-{number}", pictures, ", ".join(said), badness))
            bar.update()
    means = metrics.mean(compared)
    result.values["self"] = {
        "frames": len(frames.numbers),
        "l1": means.l1,
        "psnr": means.psnr,
        "ssim": means.ssim,
        "nme": mean_or_nan(errors),
        "identity_median": median_or_nan(identities),
        "identity_true_median": float(np.median([np.linalg.norm(d - mean_descriptor) for d in descriptors])),
        "sharpness": float(np.median(sharpnesses)),
    }
    return mean_descriptor, float(np.median(true_sharpness))
