"""Two people in view, for tests of who is followed, and of each one's face at rest."""

from pathlib import Path

import cv2
import numpy as np

from face2face.sources.base import Frame
from face2face.sources.open import open_source

WIDTH, HEIGHT = 320, 360
"""Of each person's half of the picture."""


def two_people(clips: Path, count: int) -> list[Frame]:
    """A man on the left and a woman on the right, each in a clip of their own, in square frames."""
    halves = []
    for clip, first, left in (("single_face.mp4", 0, 130), ("WolfgangLanger_Pexels.mp4", 300, 280)):
        with open_source(str(clips / clip)) as video:
            frames = video.frames(set(range(first, first + count)))
            halves.append([frame.picture[:, left : left + WIDTH] for frame in frames])
    edge = (2 * WIDTH - HEIGHT) // 2
    return [
        Frame(
            number, number / 25, cv2.copyMakeBorder(np.hstack(pair), edge, edge, 0, 0, cv2.BORDER_REPLICATE)
        )
        for number, pair in enumerate(zip(*halves, strict=True))
    ]


def write_two_people(clips: Path, count: int, path: Path) -> Path:
    """The same as a video."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), 25, (2 * WIDTH, 2 * WIDTH))
    for frame in two_people(clips, count):
        writer.write(frame.picture)
    writer.release()
    return path


def alone(frame: Frame, is_right: bool) -> Frame:
    """The same with one of them."""
    picture = frame.picture.copy()
    half = picture[:, :WIDTH] if is_right else picture[:, WIDTH:]
    half[:] = 60
    return Frame(frame.number, frame.seconds, picture)


def is_right(points: np.ndarray) -> bool:
    return bool(points[:, 0].mean() > WIDTH)
