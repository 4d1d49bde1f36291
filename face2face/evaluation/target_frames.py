"""Frames of the target's clip that the training has not seen, in the generator's model space."""

from dataclasses import dataclass, field

import cv2
import numpy as np

from face2face import cli
from face2face.face.crop import CropBox
from face2face.face.detected_face import Face
from face2face.face.geometry import LEFT_EYE, LIPS, RIGHT_EYE
from face2face.face.landmarks import LandmarkDetector
from face2face.generator.generator import Generator
from face2face.sampling import spread_indices
from face2face.sources.base import Frame, Source
from face2face.sources.open import open_source
from face2face.target.target_file import Target
from face2face.target.target_track import TargetTrack


@dataclass(frozen=True)
class Clip:
    """A part of a clip.

    Attributes:
        path: The file.
        start: Where the part begins, in seconds.
        end: Where it ends, in seconds; None for the clip's end.
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
        numbers: The frames' numbers in the clip.
        side: Side of the crop box that they were cut out by, in pixels of a frame.
        shortfall: Why the clip had fewer frames than it should have, or "".
    """

    pictures: list[np.ndarray] = field(default_factory=list)
    points: list[np.ndarray] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    side: int = 0
    shortfall: str = ""


def known_crop_box(path: str, generator: Generator) -> CropBox | None:
    """The crop box that a training clip was cropped to; None if it was not cropped, or not trained on.

    Raises:
        UserError: If the clip cannot be decoded.
    """
    with open_source(path) as video:
        frame_size = next(video.frames()).picture.shape[1::-1]
        return _crop_box_of(_known_video(video, frame_size, generator.target))


def _known_video(video: Source, frame_size: tuple[int, int], target: Target) -> dict | None:
    return target.training_video(video.file_name, frame_size, video.fps, video.frame_count)


def _crop_box_of(known: dict | None) -> CropBox | None:
    return CropBox(*known["window"]) if known and known["window"] else None


def in_model_space(frame: Frame, crop_box: CropBox | None, size: int) -> tuple[CropBox, np.ndarray]:
    """Crop a frame and scale it to model space.

    Args:
        crop_box: None for the middle square of the frame.
        size: Side of model space, in pixels.

    Returns:
        The crop box that was used, and uint8 (S, S, 3), RGB.
    """
    crop_box = crop_box or CropBox.centre(*frame.picture.shape[1::-1])
    return crop_box, cv2.cvtColor(crop_box.picture(frame.picture, size), cv2.COLOR_BGR2RGB)


def target_frames(clip: Clip, generator: Generator, detector: LandmarkDetector, count: int) -> TargetFrames:
    """Read frames of the target that the training has not seen, in the crop box of the training.

    Args:
        count: Number of frames, spread evenly; those without a detected face are left out, and, with a
            warning, those in which the face is not in the crop box.

    Raises:
        UserError: If there is no such frame, or no face in any of them.
    """
    target, size = generator.target, generator.target.image_size
    with open_source(clip.path, clip.start, clip.end) as video:
        numbers, frame_size = [], (0, 0)
        for frame in video.frames():
            numbers.append(frame.number)
            frame_size = frame.picture.shape[1::-1]
        known = _known_video(video, frame_size, target)
        trained = set(known["frames"]) if known else set()
        numbers = [number for number in numbers if number not in trained]
        if not numbers:
            raise cli.UserError(f"expected frames that training has not seen, got none in {clip.path}")
        chosen = {numbers[index] for index in spread_indices(len(numbers), min(count, len(numbers)))}
        found = TargetFrames(shortfall=video.shortfall)
        neutral = target.neutral_in(video.file_name, frame_size, video.fps, video.frame_count)
        first = None if neutral is None else Face.at(neutral)
        track = TargetTrack(detector, first, redetect=True)
        frames = {}
        with cli.progress(len(chosen), "target's frames", "frames") as bar:
            for frame in video.frames(chosen):
                bar.update()
                face = track.find(frame)
                if face is not None:
                    used, picture = in_model_space(frame, _crop_box_of(known), size)
                    frames[frame.number] = picture, used.points(face.points, size)
                    found.side = used.side
    for number in track.numbers:
        picture, points = frames[number]
        if _is_in_picture(points, size):
            found.pictures.append(picture)
            found.points.append(points)
            found.numbers.append(number)
    if outside := len(track.numbers) - len(found.numbers):
        what = f"{outside} of {len(chosen)} frames, the face is not in the crop box"
        cli.warn(f"left out of {clip.path}: {what}")
    if not found.numbers:
        raise cli.UserError(f"expected the target's face, got none in {clip.path}")
    return found


def _is_in_picture(points: np.ndarray, size: int) -> bool:
    """Whether the middles of eyes and mouth, which are compared, are in a picture of model space."""
    eyes = np.concatenate([points[LEFT_EYE], points[RIGHT_EYE]])
    middles = np.array([eyes.mean(axis=0), points[LIPS].mean(axis=0)])
    return bool(np.all((middles >= 0) & (middles <= size - 1)))
