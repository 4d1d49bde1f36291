"""The schema of `target.json`, which also comes inside of frozen graphs, from anybody."""

from typing import Annotated

import msgspec
import numpy as np

from face2face import cli, records
from face2face.face.drawing import DRAWINGS
from face2face.face.geometry import interocular_distance
from face2face.target.sidecar import Number, VideoContent

FORMAT_VERSION = 1
WHAT = "a target.json of this project"

_SMALLEST_FACE = 1.0  # distance of the eyes, in pixels of model space
_LENGTH_TOLERANCE = 0.01  # of a direction's length, which is 1: it is rounded in the file

_Side = Annotated[int, msgspec.Meta(ge=1, le=4096)]
_Finite = Annotated[float, msgspec.Meta(ge=-1e5, le=1e5)]
_Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
_Part = Annotated[float, msgspec.Meta(ge=-1 - _LENGTH_TOLERANCE, le=1 + _LENGTH_TOLERANCE)]
_Range = tuple[_Finite, _Finite]
_Scale = tuple[Annotated[float, msgspec.Meta(ge=-5, le=5)], Annotated[float, msgspec.Meta(ge=-5, le=5)]]
_Direction = Annotated[list[_Part], msgspec.Meta(min_length=136, max_length=136)]


class FaceContent(msgspec.Struct):
    """The statistics of the target's face. Fields as of `target.TargetFace`."""

    neutral: records.Points
    motion: tuple[_Range, _Range, _Scale, _Range]
    components: Annotated[list[_Direction], msgspec.Meta(max_length=136)]
    ranges: list[_Range]
    residual: Annotated[float, msgspec.Meta(ge=0, le=1e5)]
    shut_eyes: _Share
    open_mouth: Annotated[float, msgspec.Meta(ge=0, le=100)]


class VideoOfTarget(VideoContent):
    """A video that the generator was trained on. frames: the numbers of those that it saw."""

    frames: list[Number]


class TargetContent(msgspec.Struct):
    image_size: _Side
    drawing: str
    videos: list[VideoOfTarget]
    face: FaceContent | None = None


class _Head(msgspec.Struct):
    format_version: int


def decode(text: str | bytes, where: str) -> TargetContent:
    """What `Target.to_json` wrote. Raises: UserError that names `where`, if it is anything else."""
    version = records.decode(text, _Head, WHAT, where).format_version
    if version != FORMAT_VERSION:
        raise cli.UserError(f"{where}: expected version {FORMAT_VERSION}, got {version}")
    content = records.decode(text, TargetContent, WHAT, where)
    if content.drawing not in DRAWINGS:
        drawing = cli.shown(content.drawing)
        raise cli.UserError(f"{where}: expected a drawing of {sorted(DRAWINGS)}, got '{drawing}'")
    if content.face is not None and (fault := _fault(content.face)):
        raise cli.UserError(f"expected {WHAT}, got {where} ({fault})")
    return content


def _fault(face: FaceContent) -> str | None:
    """What contradicts itself in a face whose numbers are in their bounds."""
    if interocular_distance(np.array(face.neutral)) < _SMALLEST_FACE:
        return "its neutral points are no face"
    if len(face.ranges) != len(face.components):
        return f"it has {len(face.components)} components and {len(face.ranges)} ranges"
    if any(low > high for low, high in [*face.motion, *face.ranges]):
        return "a range's low end lies above its high one"
    lengths = np.linalg.norm(np.array(face.components).reshape(-1, 136), axis=1)
    if np.any(lengths > 1 + _LENGTH_TOLERANCE):
        return "a component is longer than 1"
    return None
