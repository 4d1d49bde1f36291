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
from face2face.evaluation.target_frames import Clip, TargetFrames, known_crop_box, target_frames
from face2face.face.eyes import EyeDetector
from face2face.face.landmarks import LandmarkDetector
from face2face.face.smoothing import DEFAULT_STRENGTH
from face2face.face.tracking import Tracker
from face2face.generator.generator import Generator
from face2face.live.options import DrivingOptions
from face2face.live.painter import Painter
from face2face.metrics import Measures
from face2face.sources.base import Source
from face2face.sources.open import open_source
from face2face.target.target_file import Target


@dataclass(frozen=True)
class EvaluationOptions:
    """What a generator is judged on.

    Attributes:
        target: The clip of the target.
        drivers: Paths of clips of other people.
        landmark_model: dlib's model of 68 landmarks.
        frames: Number of the target's frames, spread evenly.
        retarget: Whether the driver's motion is carried onto the target's face.
        smoothing: Of the landmarks, 0 to 1.
        expression: How much of the driver's expression is carried, 0 to 2.
        head: How much of the driver's head motion is carried, 0 to 2.
        gaze: Whether the driver's gaze is carried, and the gaze is judged.
        look_ahead: Whether a driver's face at rest is looked for in his whole clip first, as of a file; else
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
    eyes = EyeDetector() if options.gaze else None
    judge = Judge(LandmarkDetector(options.landmark_model), identity.descriptors(), eyes)

    def painter(source: Source | None = None) -> Painter:
        tracker = Tracker(judge.detector, options.smoothing, thorough_seconds=0)
        return Painter(tracker, [generator], driving, source)

    result = Evaluation()
    frames = target_frames(options.target, generator, judge.detector, options.frames)
    if frames.shortfall:
        result.shortfalls.append(frames.shortfall)
    true = evaluate_self(frames, generator.target, generator, judge, result)
    seen = []
    for driver in options.drivers:
        with painter() as live:
            seen.append(driven.evaluate_cross(driver, live, judge, true, result, options.look_ahead))
    result.values["cross"] = results.median_of(result.drivers)
    result.values["steady"] = {"flicker_cross": mean_or_nan([flicker for _, flicker in seen])}
    clip = options.target
    with open_source(clip.path, clip.start, clip.end) as video, painter(video) as live:
        driven.evaluate_flicker(video, known_crop_box(clip.path, generator), live, result)
    with painter() as live:
        driven.evaluate_still(seen[0][0], live, judge, result)
    return result


class SelfMeasures:
    """What is measured of faces that are painted of the target's own frames, whose true pictures are known.

    Attributes:
        strips: The rows of the page.
    """

    def __init__(self, judge: Judge, target: TrueFace) -> None:
        """Begin with nothing.

        Args:
            target: What the true frames tell of the target's face.
        """
        self._judge, self._target, self._looks = judge, target, Looks(judge)
        self._compared: list[list[Measures]] = []
        self._errors: list[float] = []
        self._sharpnesses: list[float] = []
        self._gazes: list[np.ndarray] = []
        self.strips: list[Strip] = []

    def add(
        self,
        number: int,
        pictures: dict[str, np.ndarray],
        points: np.ndarray,
        gaze: np.ndarray | None,
    ) -> None:
        """Measure a frame.

        Args:
            number: Of the frame.
            pictures: "drawing", "generated" and "true", uint8 (S, S, 3) each, RGB.
            points: The landmarks of the true picture, float (68, 2), in model space.
            gaze: That of the true picture, as `Judge.gaze`.
        """
        generated, true = pictures["generated"], pictures["true"]
        compared = metrics.compare_regions(generated, true, regions.compared(points, true.shape[0]))
        self._compared.append(compared)
        self._sharpnesses.append(measures.sharpness(generated) / measures.sharpness(true))
        found = self._judge.landmarks(generated)
        self._looks.add(generated, points, found)
        said = [str(compared[0]), self._looks.of_last_skin(self._target.depth)]
        gazes = np.full((2, 2), np.nan)
        if found is None:
            said.append("no face found")
        else:
            if gaze is not None:
                gazes = np.mean([gaze, self._judge.gaze(generated, found)], axis=1)
            error = measures.normalised_mean_error(found, points)
            self._errors.append(error)
            distance = self._judge.distance(self._looks.faces[-1], self._target.identity)
            said.append(f"NME {error:.3f}, identity {distance:.2f}")
        self._gazes.append(gazes)
        self.strips.append(Strip(f"self-{number}", pictures, ", ".join(said), badness=-compared[0].ssim))

    def values(self) -> dict[str, float]:
        """The figures of the painted faces, by the keys of `results.FIGURES["self"]`."""
        whole, face, eyes, mouth = (metrics.mean(list(each)) for each in zip(*self._compared, strict=True))
        return {
            "frames": len(self.strips),
            "l1": whole.l1,
            "psnr": whole.psnr,
            "ssim": whole.ssim,
            "psnr_face": face.psnr,
            "ssim_face": face.ssim,
            "l1_eyes": eyes.l1,
            "l1_mouth": mouth.l1,
            "nme": mean_or_nan(self._errors),
            "sharpness": float(np.median(self._sharpnesses)),
            **({} if self._judge.eye_detector is None else gaze_values(self._gazes)),
            **self._looks.artefacts(self._target.depth),
            **_medians(self._looks, self._target, "median"),
        }


def _medians(looks: Looks, target: TrueFace, suffix: str) -> dict[str, float]:
    """The median distance of some faces from the target's mean, by the key of each network and a suffix."""
    distances = looks.distances(target.identity)
    return {f"{key}_{suffix}": percentile_or_nan(found, 50) for key, found in distances.items()}


def true_face(frames: TargetFrames, filmed: Looks) -> TrueFace:
    """What the target's true frames tell of its face.

    Args:
        frames: The target's frames.
        filmed: What was measured on them.
    """
    mean_identity = measures.mean_identity(filmed.faces)
    distances = np.array([filmed.judge.distance(face, mean_identity) for face in filmed.faces])
    expected = ExpectedIdentity(np.array(filmed.motions), distances)
    sharpness = float(np.median([measures.sharpness(picture) for picture in frames.pictures]))
    return TrueFace(mean_identity, expected, sharpness, artefacts.usual_depth(filmed.skin))


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
    filmed = Looks(judge)
    for picture, points in zip(frames.pictures, frames.points, strict=True):
        filmed.add(picture, points, points)
    true = true_face(frames, filmed)
    own = SelfMeasures(judge, true)
    with cli.progress(len(frames.numbers), "self", "frames") as bar:
        for number, picture, points in zip(frames.numbers, frames.pictures, frames.points, strict=True):
            gaze = judge.gaze(picture, points)
            drawing = target.draw(points, frames.side, gaze)
            pictures = {"drawing": drawing, "generated": generate(drawing), "true": picture}
            own.add(number, pictures, points, gaze)
            bar.update()
    result.strips += own.strips
    result.values["self"] = {
        **own.values(),
        **{f"{key}_true": value for key, value in filmed.artefacts(true.depth).items()},
        **_medians(filmed, true, "true_median"),
    }
    return true
