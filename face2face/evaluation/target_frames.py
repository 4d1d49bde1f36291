"""Frames of the target's clip that the training has not seen, in the generator's model space."""

from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

from face2face import cli
from face2face.face.crop import CropBox
from face2face.face.landmarks import LandmarkDetector
from face2face.generator.generator import Generator
from face2face.sampling import spread_indices
from face2face.sources.base import Frame, name_of
from face2face.sources.open import open_source


@dataclass(frozen=True)
class Clip:
    """A part of a clip.

    Attributes:
        path: the file.
        start: where the part begins, in seconds.
        end: where it ends, in seconds; None for the clip's end.
    """

    path: str
    start: float = 0.0
    end: float | None = None


@dataclass
class TargetFrames:
    """Frames of the target that were not trained on.

    Attributes:
        pictures: uint8 (S, S, 3), RGB, each in model space.
        points: float (68, 2) each, the landmarks in model space.
        numbers: the frames' numbers in the clip.
        side: side of the crop box that they were cut out by, in pixels of a frame.
        shortfall: why the clip had fewer frames than it should have, or "".
    """

    pictures: list[np.ndarray] = field(default_factory=list)
    points: list[np.ndarray] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    side: int = 0
    shortfall: str = ""


def known_crop_box(path: str, generator: Generator) -> CropBox | None:
    """The crop box that a training clip was cropped to; None if it was not cropped, or not trained on."""
    known = _known_video(path, generator)
    return CropBox(*known["window"]) if known and known["window"] else None


def _known_video(path: str, generator: Generator) -> dict | None:
    return next((video for video in generator.target.videos if video["name"] == name_of(Path(path))), None)


def in_model_space(frame: Frame, crop_box: CropBox | None, size: int) -> tuple[CropBox, np.ndarray]:
    """Crop a frame and scale it to model space.

    Args:
        crop_box: None for the middle square of the frame.
        size: side of model space, in pixels.

    Returns:
        The crop box that was used, and uint8 (S, S, 3), RGB.
    """
    crop_box = crop_box or CropBox.centre(*frame.picture.shape[1::-1])
    return crop_box, cv2.cvtColor(crop_box.picture(frame.picture, size), cv2.COLOR_BGR2RGB)


def target_frames(clip: Clip, generator: Generator, detector: LandmarkDetector, count: int) -> TargetFrames:
    """Read frames of the target that the training has not seen, in the crop box of the training.

    Args:
        count: number of frames, spread evenly; those without a detected face are left out.

    Raises:
        UserError: If there is no such frame, or no face in any of them.
    """
    known, crop_box = _known_video(clip.path, generator), known_crop_box(clip.path, generator)
    size = generator.target.image_size
    trained = set(known["frames"]) if known else set()
    with open_source(clip.path, clip.start, clip.end) as video:
        numbers = [frame.number for frame in video.frames() if frame.number not in trained]
        if not numbers:
            raise cli.UserError(f"expected frames that training has not seen, got none in {clip.path}")
        chosen = {numbers[index] for index in spread_indices(len(numbers), min(count, len(numbers)))}
        found = TargetFrames(shortfall=video.shortfall)
        with cli.progress(len(chosen), "target's frames", "frames") as bar:
            for frame in video.frames(chosen):
                bar.update()
                face = detector.find(frame.picture)
                if face is not None:
                    used, picture = in_model_space(frame, crop_box, size)
                    found.pictures.append(picture)
                    found.points.append(used.points(face.points, size))
                    found.numbers.append(frame.number)
                    found.side = used.side
    if not found.numbers:
        raise cli.UserError(f"expected the target's face, got none in {clip.path}")
    return found
