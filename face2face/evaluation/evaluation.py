"""Judges a frozen generator: as a whole, and on the true frames of its own target."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from face2face import cli, metrics
from face2face.evaluation import artefacts, driven, identity, measures, regions, results
from face2face.evaluation.expected_identity import ExpectedIdentity
from face2face.evaluation.following import gaze_values
from face2face.evaluation.looks import Looks, TrueFace
from face2face.evaluation.measures import Judge
from face2face.evaluation.results import Evaluation, Strip, mean_or_nan, percentile_or_nan
from face2face.evaluation.target_frames import Clip, TargetFrames, target_frames
from face2face.face.irises import IrisDetector
from face2face.face.landmarks import LandmarkDetector
from face2face.face.smoothing import DEFAULT_STRENGTH
from face2face.face.tracking import Tracker
from face2face.generator.generator import Generator
from face2face.live.options import DrivingOptions
from face2face.live.painter import Painter
from face2face.sources.base import name_of
from face2face.target.target_file import Target


@dataclass(frozen=True)
class EvaluationOptions:
    """What a generator is judged on.

    Attributes:
        target: the clip of the target.
        drivers: paths of clips of other people.
        landmark_model: dlib's model of 68 landmarks.
        frames: number of the target's frames, spread evenly.
        retarget: whether the driver's motion is carried onto the target's face.
        smoothing: of the landmarks, 0 to 1.
        expression: how much of the driver's expression is carried, 0 to 2.
        head: how much of the driver's head motion is carried, 0 to 2.
        gaze: whether the driver's gaze is carried, and the gaze is judged.
        look_ahead: whether a driver's face at rest is looked for in his whole clip first, as of a file; else
            it is learned while he is watched, as in front of a camera.
    """

    target: Clip
    drivers: Sequence[str]
    landmark_model: Path
    frames: int = 100
    retarget: bool = True
    smoothing: float = DEFAULT_STRENGTH
    expression: float = 1.0
    head: float = 1.0
    gaze: bool = True
    look_ahead: bool = True


def evaluate(model: Path, options: EvaluationOptions) -> Evaluation:
    """Judge a frozen generator.

    Raises:
        UserError: If options contradict each other, the model is no generator or too small to be judged, a
            clip shows no face, or the iris model is not installed.
    """
    driving = DrivingOptions(
        retarget=options.retarget, expression=options.expression, head=options.head, gaze=options.gaze
    )
    generator = Generator(model)
    size = generator.target.image_size
    if size < artefacts.TILE:
        raise cli.UserError(f"expected a model of {artefacts.TILE} pixels or more, got {size}: {model}")
    irises = IrisDetector() if options.gaze else None
    judge = Judge(LandmarkDetector(options.landmark_model), identity.descriptors(), irises)

    def painter(tracker: Tracker, source: str = "") -> Painter:
        return Painter(tracker, [generator], driving, source)

    def tracker() -> Tracker:
        return Tracker(judge.detector, options.smoothing, thorough_seconds=0)

    result = Evaluation()
    frames = target_frames(options.target, generator, judge.detector, options.frames)
    if frames.shortfall:
        result.shortfalls.append(frames.shortfall)
    true_face = evaluate_self(frames, generator.target, generator, judge, result)
    seen = []
    for driver in options.drivers:
        of_driver = tracker()
        with painter(of_driver) as live:
            judged = driven.evaluate_cross(
                driver, live, of_driver, judge, true_face, result, look_ahead=options.look_ahead
            )
            seen.append(judged)
    result.values["cross"] = results.median_of(result.drivers)
    result.values["steady"] = {"flicker_cross": float(np.mean([flicker for _, flicker in seen]))}
    with painter(tracker(), name_of(Path(options.target.path))) as live:
        driven.evaluate_flicker(options.target, generator, live, result)
    with painter(tracker()) as live:
        driven.evaluate_still(seen[0][0], live, judge, result)
    return result


def evaluate_self(
    frames: TargetFrames,
    target: Target,
    generate: Callable[[np.ndarray], np.ndarray],
    judge: Judge,
    result: Evaluation,
) -> TrueFace:
    """Judge a generator on drawings of the target's own frames, whose true pictures are known.

    Args:
        frames: The target's frames.
        target: What the generator knows of its target.
        generate: From a drawing to a face, uint8 (S, S, 3), RGB.
        judge: The judge.
        result: What is added to.

    Returns:
        What the target's true frames tell of its face.
    """
    filmed, painted = Looks(judge), Looks(judge)
    for picture, points in zip(frames.pictures, frames.points, strict=True):
        filmed.add(picture, points, points)
    mean_identity = measures.mean_identity(filmed.faces)
    distances = np.array([judge.distance(face, mean_identity) for face in filmed.faces])
    depth = artefacts.usual_depth(filmed.skin)
    true_sharpness = [measures.sharpness(picture) for picture in frames.pictures]
    compared, errors, sharpnesses, gazes = [], [], [], []
    with cli.progress(len(frames.numbers), "self", "frames") as bar:
        for number, true, points, sharp in zip(
            frames.numbers, frames.pictures, frames.points, true_sharpness, strict=True
        ):
            gaze = judge.gaze(true, points)
            drawing = target.draw(points, frames.side, gaze)
            generated = generate(drawing)
            regions_compared = regions.compared(points, target.image_size)
            compared.append(metrics.compare_regions(generated, true, regions_compared))
            sharpnesses.append(measures.sharpness(generated) / sharp)
            found = judge.landmarks(generated)
            painted.add(generated, points, found)
            said = [str(compared[-1][0]), painted.of_last_skin(depth)]
            gazes.append(np.full((2, 2), np.nan))
            if found is None:
                said.append("no face found")
            else:
                if gaze is not None:
                    gazes[-1] = np.mean([gaze, judge.gaze(generated, found)], axis=1)
                errors.append(measures.normalised_mean_error(found, points))
                distance = judge.distance(painted.faces[-1], mean_identity)
                said.append(f"NME {errors[-1]:.3f}, identity {distance:.2f}")
            pictures = {"drawing": drawing, "generated": generated, "true": true}
            badness = -compared[-1][0].ssim
            result.strips.append(Strip(f"self-{number}", pictures, ", ".join(said), badness))
            bar.update()
    whole, face, eyes, mouth = (metrics.mean(list(each)) for each in zip(*compared, strict=True))
    result.values["self"] = {
        "frames": len(frames.numbers),
        "l1": whole.l1,
        "psnr": whole.psnr,
        "ssim": whole.ssim,
        "psnr_face": face.psnr,
        "ssim_face": face.ssim,
        "l1_eyes": eyes.l1,
        "l1_mouth": mouth.l1,
        "nme": mean_or_nan(errors),
        "sharpness": float(np.median(sharpnesses)),
        **({} if judge.iris_detector is None else gaze_values(gazes)),
        **painted.artefacts(depth),
        **{f"{key}_true": value for key, value in filmed.artefacts(depth).items()},
        **{f"{key}_median": percentile_or_nan(d, 50) for key, d in painted.distances(mean_identity).items()},
        **{
            f"{key}_true_median": percentile_or_nan(d, 50)
            for key, d in filmed.distances(mean_identity).items()
        },
    }
    expected = ExpectedIdentity(np.array(filmed.motions), distances)
    return TrueFace(mean_identity, expected, float(np.median(true_sharpness)), depth)
