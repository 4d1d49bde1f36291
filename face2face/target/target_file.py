"""`target.json`: what is known of the target's face. Made in training, and copied into the frozen graph.

    {"format_version": 2, "image_size": 256, "drawing": "colour",
     "videos": [{"name": "franck.mp4", "frame_size": [360, 288], "fps": 24.0, "window": [61, 0, 288],
                 "frame_count": 4800, "frames": [12, 24, ...]}],    all frames; the training frames
     "face": {"neutral": [[x, y], ...68],      at rest, in model space
              "motion": [[low, high], ...4],   head motion: shift x and y, logarithm of the scale, roll
              "components": [[...136], ...],   PCA components of the expression, of length 1
              "ranges": [[low, high], ...],    range of each component's coefficient
              "residual": 4.2,                 largest length of what the components leave unexplained
              "shut_eyes": 0.36,               eye aspect ratio of shut eyes, over that at rest
              "open_mouth": 0.28,              widest mouth openness, in interocular distances
              "shapes": {"steps": [...136], "values": "base64 of int8 (N, 136)"},
                                               training shapes less the neutral face, in units of steps
              "gaze": {"rest": [[x, y], ...2],       median place of each iris in its eye
                       "ranges": [[low, high], ...4]},  range of the deviation: left eye across, down, right
              "places": {"middle": [x, y, s],        head's shift and logarithm of the scale without roll,
                         "slope": [x, y, s],         their change per radian of roll,
                         "whitening": [[...3], ...3]}},  matrix that standardises deviations from them
     "line_width": 2.5}                        of the drawing "original" alone, pixels of model space

"window" is the crop box. Without "frame_count", as in older files, the video's length is unknown. Without
landmarks to measure (pairs or graphs from elsewhere) there is no "face". Without "shapes" and "places", as in
older files and those of few pairs, the ranges alone bound what is drawn.
A field that an older reader can do without is added to a version, because readers leave out what they do not
know; any other change is a new version: files with "gaze", whose generators expect irises in the drawing,
have version 2, all others version 1. A frozen graph may come from anybody, so each number is checked against
its range (`target_schema`).
"""

import json
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import numpy as np

from face2face import cli, files, records
from face2face.face import drawing
from face2face.face.crop import CropBox
from face2face.face.drawing import ORIGINAL_DRAWING
from face2face.face.irises import irises_of
from face2face.target.gaze import TargetGaze
from face2face.target.sidecar import Sidecar
from face2face.target.statistics import TargetFace
from face2face.target.target_schema import FORMAT_VERSION, WHAT, decode, face_from_content, face_to_content
from face2face.target.video import can_be_one

TARGET_NAME = "target.json"


@dataclass(frozen=True)
class Target:
    """What a generator knows of its target.

    Attributes:
        image_size: Side of model space, pixels.
        drawing: The style that the generator reads, a key of `DRAWINGS`.
        face: The target's statistics; None if its landmarks are unknown.
        videos: The training videos as in the sidecar, each with the numbers of its training "frames".
        line_width: Width of the training drawings' lines in pixels of model space, of a style whose lines are
            as wide in any frame; else None.
    """

    image_size: int
    drawing: str = ORIGINAL_DRAWING
    face: TargetFace | None = None
    videos: list[dict] = field(default_factory=list)
    line_width: float | None = None

    @classmethod
    def measure(cls, sidecar: Sidecar, image_size: int, with_face: bool = True) -> "Target":
        """Measure the target's face in the images of a sidecar.

        Args:
            sidecar: The landmarks of the training images.
            image_size: Side of model space in pixels.
            with_face: Whether to measure the face. The landmarks then have to be in model space.
        """
        entries = list(sidecar.images.values())
        videos = [
            video.to_content() | {"frames": sorted(e.frame for e in entries if e.video == index)}
            for index, video in enumerate(sidecar.videos)
        ]
        face = None
        if with_face:
            irises = [entry.irises for entry in entries if entry.irises is not None]
            known = np.array(irises) if len(irises) == len(entries) else None
            face = TargetFace.measure(np.array([entry.points for entry in entries]), known)
        widths = [entry.line_width for entry in entries if entry.line_width]
        line_width = round(float(np.mean(widths)), 3) if widths else None
        return cls(image_size, sidecar.drawing, face, videos, line_width)

    @property
    def gaze(self) -> TargetGaze | None:
        """The target's gaze; None of a generator that was trained without irises."""
        return None if self.face is None else self.face.gaze

    def draw(
        self, points: np.ndarray, frame_side: int | None = None, gaze: np.ndarray | None = None
    ) -> np.ndarray:
        """Draw points as the generator knows them from its training.

        A graph of 2017 does not tell how large its frames were: as then, the lines have 3 pixels of the frame
        that is drawn now.

        Args:
            points: float (68, 2), in model space.
            frame_side: Side of the frame's square that is scaled to model space, pixels; None: as of
                `drawing.draw`.
            gaze: Where the irises are in their eyes, float (2, 2), as in `irises.gaze_of`; None: at rest. A
                generator that was trained without irises gets none.

        Returns:
            uint8 (S, S, 3), RGB.
        """
        width = self.line_width
        of_frame = drawing.frame_line_width(self.drawing)
        if width is None and of_frame is not None and frame_side is not None:
            width = of_frame * self.image_size / frame_side
        irises = None
        if self.gaze is not None:
            irises = irises_of(points, self.gaze.rest if gaze is None else gaze)
        return drawing.draw(points, self.image_size, self.drawing, width, irises)

    def training_video(
        self,
        clip: str,
        frame_size: tuple[int, int],
        fps: float | None = None,
        frame_count: int | None = None,
    ) -> dict | None:
        """The training video that a clip is, as far as its name, size, rate and length tell.

        Args:
            clip: The clip's file name.
            frame_size: Width and height of its frames, pixels.
            fps: Its frames per second; None: not compared.
            frame_count: Number of its frames; None: not compared.

        Returns:
            An item of `videos`, or None for a clip that is no training video.
        """
        given = {"name": clip, "frame_size": frame_size, "fps": fps, "frame_count": frame_count}
        return next((video for video in self.videos if can_be_one(video, given)), None)

    def neutral_in(
        self,
        clip: str,
        frame_size: tuple[int, int],
        fps: float | None = None,
        frame_count: int | None = None,
    ) -> np.ndarray | None:
        """The neutral face in pixels of a clip's frames, if the clip is a training video.

        Arguments as in `training_video`.

        Returns:
            float (68, 2), or None for a clip that is no training video.
        """
        video = self.training_video(clip, frame_size, fps, frame_count)
        if self.face is None or video is None:
            return None
        crop_box = CropBox(*video["window"]) if video["window"] else CropBox.centre(*frame_size)
        return crop_box.points_back(self.face.neutral, self.image_size)

    def to_json(self) -> str:
        """The text of `target.json`."""
        content = {
            "format_version": FORMAT_VERSION if self.gaze is not None else 1,
            "image_size": self.image_size,
            "drawing": self.drawing,
            "videos": self.videos,
        }
        if self.line_width is not None:
            content["line_width"] = self.line_width
        if self.face is not None:
            content["face"] = face_to_content(self.face)
        return json.dumps(content)

    @classmethod
    def from_json(cls, text: str | bytes, where: str) -> "Target":
        """Read what `to_json` wrote.

        Args:
            where: The text's origin, for the message.

        Raises:
            UserError: If the text is anything else.
        """
        content = decode(text, where)
        face = face_from_content(content.face) if content.face else None
        videos = msgspec.to_builtins(content.videos)
        return cls(content.image_size, content.drawing, face, videos, content.line_width)

    def write(self, folder: Path) -> None:
        """Write `target.json` into a folder.

        Raises:
            UserError: If another file is in its place.
            OSError: If it cannot be written.
        """
        files.write_text(folder / TARGET_NAME, self.to_json() + "\n", is_target)


def read_target(folder: Path, image_size: int | None = None) -> Target | None:
    """Read a folder's `target.json`.

    Args:
        folder: Of a training, or of a reduced model.
        image_size: Of the generator, whose drawings are as large; None: unknown.

    Returns:
        None if there is none: pairs from elsewhere have no landmarks to measure.

    Raises:
        UserError: If the file is damaged, not of this project, or of a generator of another size.
        OSError: If the system refuses.
    """
    path = folder / TARGET_NAME
    if not path.is_file():
        return None
    target = Target.from_json(bytes(records.read(path, msgspec.Raw, WHAT)), str(path))
    if image_size not in (None, target.image_size):
        raise cli.UserError(
            f"expected a target of {image_size} pixels, as the generator's, got {target.image_size}: {path}"
        )
    return target


def is_target(path: Path) -> bool:
    """Whether a file is a `target.json`."""
    try:
        Target.from_json(path.read_bytes(), str(path))
    except (OSError, cli.UserError):
        return False
    return True
