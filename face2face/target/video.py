"""A video that images were taken from, as the sidecar and `target.json` know it."""

import math
from dataclasses import asdict, dataclass
from typing import Annotated

import msgspec

MAX_NAME = 255
"""Maximum number of characters of a video's name."""

SAME_HEADER = 1e-3
"""Relative difference of two rates, or of two numbers of frames, up to which they are the same."""

Number = Annotated[int, msgspec.Meta(ge=0, le=10**9)]

_VideoName = Annotated[str, msgspec.Meta(max_length=MAX_NAME, pattern=r"^[^/]*$")]
_Side = Annotated[int, msgspec.Meta(ge=1, le=10**5)]
_Corner = Annotated[int, msgspec.Meta(ge=-(10**5), le=10**5)]


@dataclass(frozen=True)
class Video:
    """A video that images were taken from.

    Attributes:
        name: The file's name.
        frame_size: Width and height of its frames, pixels.
        fps: Frames per second.
        crop_box: Left, top and side in its frames, pixels; None: the images are whole frames.
        frame_count: Number of its frames by a video file's header; None: unknown, or of a camera, a stream or
            a folder of pictures, whose number differs from one recording to the next.
    """

    name: str
    frame_size: tuple[int, int]
    fps: float
    crop_box: tuple[int, int, int] | None
    frame_count: int | None = None

    @classmethod
    def from_content(cls, content: "VideoContent") -> "Video":
        """The video that a file has."""
        return cls(content.name, content.frame_size, content.fps, content.window, content.frame_count)

    def to_content(self) -> dict:
        """The video as the file has it."""
        content = asdict(self)
        content["window"] = content.pop("crop_box")
        if self.frame_count is None:
            del content["frame_count"]
        return content


class VideoContent(msgspec.Struct, omit_defaults=True):
    """A video in the files: the fields of `Video`."""

    name: _VideoName
    frame_size: tuple[_Side, _Side]
    fps: Annotated[float, msgspec.Meta(gt=0, le=1e4)]
    window: tuple[_Corner, _Corner, _Side] | None
    frame_count: Number | None = None


def can_be_one(video: dict, other: dict) -> bool:
    """Whether two videos can be one, as far as their headers tell.

    Args:
        video: A video as the files have it. What is unknown, left out or None, is not compared; but a video
            without a number of frames has at least those that its "frames" name, if it has any.
        other: Another one, whose "frames" are not used.
    """
    rates, counts = ([each.get(key) for each in (video, other)] for key in ("fps", "frame_count"))
    if video["name"] != other["name"] or tuple(video["frame_size"]) != tuple(other["frame_size"]):
        return False
    if None not in rates and not math.isclose(*rates, rel_tol=SAME_HEADER):
        return False
    if counts[1] is None:
        return True
    if counts[0] is None:
        return max(video.get("frames", ()), default=0) < counts[1]
    return math.isclose(*counts, rel_tol=SAME_HEADER)


def described(videos: list[dict]) -> str:
    """Videos by name, size and length, for people; sorted."""
    texts = []
    for video in videos:
        width, height = video["frame_size"]
        count = video.get("frame_count")
        texts.append(f"{video['name']} ({width}x{height}{f', {count} frames' if count else ''})")
    return ", ".join(sorted(set(texts)))
