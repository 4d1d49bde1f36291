"""The schema of `target.json`, which may come from anybody: each number is checked against its range.

A face as the file has it, and what it stands for.
"""

import base64
from dataclasses import asdict
from typing import Annotated

import msgspec
import numpy as np

from face2face import cli, records
from face2face.face.drawing import DRAWINGS
from face2face.face.geometry import LANDMARKS, MIN_INTEROCULAR_DISTANCE, interocular_distance
from face2face.target.gaze import IrisOffset, OffsetRange, TargetGaze
from face2face.target.head_places import HeadPlaces
from face2face.target.known_shapes import MAX_SHAPES, MIN_SHAPES, TrainingShapes
from face2face.target.sidecar import LineWidth, Number, VideoContent
from face2face.target.statistics import TargetFace

FORMAT_VERSION = 2
"""Of files with a gaze. Those without have version 1, which older readers know."""

WHAT = "a target.json of this project"

_LENGTH_TOLERANCE = 0.01  # of a component's length, which is 1: the file holds rounded numbers

_Side = Annotated[int, msgspec.Meta(ge=1, le=4096)]
_Finite = Annotated[float, msgspec.Meta(ge=-1e5, le=1e5)]
_Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
_Part = Annotated[float, msgspec.Meta(ge=-1 - _LENGTH_TOLERANCE, le=1 + _LENGTH_TOLERANCE)]
_Step = Annotated[float, msgspec.Meta(gt=0, le=1e3)]
_Range = tuple[_Finite, _Finite]
_Triple = tuple[_Finite, _Finite, _Finite]
_LogScale = Annotated[float, msgspec.Meta(ge=-5, le=5)]
_Component = Annotated[list[_Part], msgspec.Meta(min_length=2 * LANDMARKS, max_length=2 * LANDMARKS)]


class _ShapesContent(msgspec.Struct):
    """The training shapes: the fields of `TrainingShapes`. msgspec decodes base64."""

    steps: Annotated[list[_Step], msgspec.Meta(min_length=2 * LANDMARKS, max_length=2 * LANDMARKS)]
    values: Annotated[
        bytes, msgspec.Meta(min_length=2 * LANDMARKS * MIN_SHAPES, max_length=2 * LANDMARKS * MAX_SHAPES)
    ]


class GazeContent(msgspec.Struct):
    """The target's gaze: the fields of `TargetGaze`."""

    rest: tuple[IrisOffset, IrisOffset]
    ranges: tuple[OffsetRange, OffsetRange, OffsetRange, OffsetRange]


class _PlacesContent(msgspec.Struct):
    """Where the head was: the fields of `HeadPlaces`."""

    middle: tuple[_Finite, _Finite, _LogScale]
    slope: _Triple
    whitening: tuple[_Triple, _Triple, _Triple]


class FaceContent(msgspec.Struct):
    """The statistics of the target's face: the fields of `TargetFace`."""

    neutral: records.Points
    motion: tuple[_Range, _Range, tuple[_LogScale, _LogScale], _Range]
    components: Annotated[list[_Component], msgspec.Meta(max_length=2 * LANDMARKS)]
    ranges: list[_Range]
    residual: Annotated[float, msgspec.Meta(ge=0, le=1e5)]
    shut_eyes: _Share
    open_mouth: Annotated[float, msgspec.Meta(ge=0, le=100)]
    shapes: _ShapesContent | None = None
    gaze: GazeContent | None = None
    places: _PlacesContent | None = None


class _TrainingVideo(VideoContent, kw_only=True):
    """A training video, with the numbers of the training frames."""

    frames: list[Number]


class TargetContent(msgspec.Struct):
    """The whole file: the fields of `Target`."""

    image_size: _Side
    drawing: str
    videos: list[_TrainingVideo]
    face: FaceContent | None = None
    line_width: LineWidth | None = None


class _Head(msgspec.Struct):
    """What every version of the file has."""

    format_version: int


def decode(text: str | bytes, where: str) -> TargetContent:
    """Read the text of a `target.json`.

    Args:
        text: The text.
        where: Its origin, for the message.

    Raises:
        UserError: If the text is anything else, or contradicts itself.
    """
    version = records.decode(text, _Head, WHAT, where).format_version
    if not 1 <= version <= FORMAT_VERSION:
        raise cli.UserError(f"{where}: expected version 1 to {FORMAT_VERSION}, got {version}")
    content = records.decode(text, TargetContent, WHAT, where)
    if content.drawing not in DRAWINGS:
        found = cli.shown(content.drawing)
        raise cli.UserError(f"{where}: expected a drawing of {sorted(DRAWINGS)}, got '{found}'")
    if content.face is not None and (fault := _fault(content.face)):
        raise cli.UserError(f"expected {WHAT}, got {where} ({fault})")
    return content


def _fault(face: FaceContent) -> str | None:
    """A contradiction within a face whose numbers are each in their range."""
    if interocular_distance(np.array(face.neutral)) < MIN_INTEROCULAR_DISTANCE:
        return "its neutral points are no face"
    if len(face.ranges) != len(face.components):
        return f"it has {len(face.components)} components and {len(face.ranges)} ranges"
    gaze_ranges = face.gaze.ranges if face.gaze is not None else ()
    if any(low > high for low, high in [*face.motion, *face.ranges, *gaze_ranges]):
        return "a range's low end lies above its high one"
    lengths = np.linalg.norm(np.array(face.components).reshape(-1, 2 * LANDMARKS), axis=1)
    if np.any(lengths > 1 + _LENGTH_TOLERANCE):
        return "a component is longer than 1"
    if face.shapes is not None and len(face.shapes.values) % (2 * LANDMARKS):
        return "its last training shape is not whole"
    return None


def face_to_content(face: TargetFace) -> dict:
    """A target's face as the file has it, with rounded numbers."""
    content = {
        "neutral": np.round(face.neutral.astype(float), 3).tolist(),
        "motion": np.round(face.motion, 5).tolist(),
        "components": np.round(face.components, 5).tolist(),
        "ranges": np.round(face.ranges, 3).tolist(),
        "residual": round(face.residual, 3),
        "shut_eyes": round(face.shut_eyes, 4),
        "open_mouth": round(face.open_mouth, 4),
    }
    if face.shapes is not None:
        values = base64.b64encode(face.shapes.values.tobytes()).decode("ascii")
        content["shapes"] = {"steps": np.round(face.shapes.steps, 5).tolist(), "values": values}
    if face.gaze is not None:
        ranges = np.round(face.gaze.ranges.reshape(-1, 2).astype(float), 4)
        rest = np.round(face.gaze.rest.astype(float), 4)
        content["gaze"] = {"rest": rest.tolist(), "ranges": ranges.tolist()}
    if face.places is not None:
        content["places"] = {name: np.round(value, 6).tolist() for name, value in asdict(face.places).items()}
    return content


def face_from_content(content: FaceContent) -> TargetFace:
    """The face of a checked content."""
    shapes = None
    if content.shapes is not None:
        values = np.frombuffer(content.shapes.values, np.int8).reshape(-1, 2 * LANDMARKS)
        shapes = TrainingShapes(np.array(content.shapes.steps), values)
    gaze = None
    if content.gaze is not None:
        gaze = TargetGaze(np.array(content.gaze.rest), np.array(content.gaze.ranges).reshape(2, 2, 2))
    places = None
    if content.places is not None:
        parts = content.places.middle, content.places.slope, content.places.whitening
        places = HeadPlaces(*map(np.array, parts))
    return TargetFace(
        neutral=np.array(content.neutral),
        motion=np.array(content.motion),
        components=np.array(content.components).reshape(-1, 2 * LANDMARKS),
        ranges=np.array(content.ranges).reshape(-1, 2),
        residual=content.residual,
        shut_eyes=content.shut_eyes,
        open_mouth=content.open_mouth,
        shapes=shapes,
        gaze=gaze,
        places=places,
    )
