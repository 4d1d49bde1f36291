"""The pictures that go out, composed from one driven frame."""

import itertools
from collections.abc import Callable
from functools import cached_property

import cv2
import numpy as np

from face2face.face.crop import resize
from face2face.face.drawing import LINE_WIDTH, draw
from face2face.live.driven_frame import DrivenFrame
from face2face.output import provenance

MARK_MARGIN = 0.08
"""Distance of the mark's corners from the landmarks of the followed face, over their width and height."""
MARK_LENGTH = 0.2
"""Length of the lines of those corners, over the same."""
MARK_COLOUR = (255, 200, 0)  # RGB


class Composer:
    """Composes the pictures of one frame. Each is made when it is first asked for, and then kept.

    Outputs share the pictures, and so must not change them.
    """

    def __init__(self, driven: DrivenFrame, is_labelled: bool = False) -> None:
        """Compose pictures of a frame that has passed all stages.

        Args:
            is_labelled: Write on each face that it is AI-generated. The label is never mirrored.
        """
        self._driven, self._is_labelled = driven, is_labelled
        self._side = driven.preview.shape[0]
        self._pictures: dict[tuple[str, bool, bool], np.ndarray] = {}

    @cached_property
    def face(self) -> np.ndarray:
        """The face alone as it was generated, uint8 (S, S, 3), RGB."""
        return self._labelled(self._driven.generated)

    def picture(self, view: str, mirrored: bool = False, is_marked: bool = False) -> np.ndarray:
        """The face with what stands beside it, uint8 (P, P or 2 P, 3), RGB, as high as the driver's preview.

        Args:
            view: One of `VIEWS`.
            is_marked: Mark which face of the driver's picture is followed, if there are several: for the
                screen, not for what is recorded.
        """
        is_marked &= self._driven.is_one_of_several and view in ("driver", "overlay")
        if (view, mirrored, is_marked) not in self._pictures:
            self._pictures[view, mirrored, is_marked] = self._compose(view, mirrored, is_marked)
        return self._pictures[view, mirrored, is_marked]

    def _compose(self, view: str, mirrored: bool, is_marked: bool) -> np.ndarray:
        face = self._labelled(_flip(self._enlarged) if mirrored else self._enlarged)
        if view == "generated":
            return face
        left = _BESIDE[view](self._driven)
        if is_marked:
            left = _marked(left, self._driven.preview_points)
        return np.concatenate([_flip(left) if mirrored else left, face], axis=1)

    @cached_property
    def _enlarged(self) -> np.ndarray:
        """The face at the preview's size, without a label."""
        return resize(self._driven.generated, self._side)

    def _labelled(self, face: np.ndarray) -> np.ndarray:
        return provenance.label(face) if self._is_labelled else face


def _flip(picture: np.ndarray) -> np.ndarray:
    return cv2.flip(picture, 1)


def _driver(driven: DrivenFrame) -> np.ndarray:
    return driven.preview


def _drawing(driven: DrivenFrame) -> np.ndarray:
    return resize(driven.shown_drawing, driven.preview.shape[0])


def _overlay(driven: DrivenFrame) -> np.ndarray:
    """The driver with the landmarks that were detected."""
    picture = driven.preview
    if driven.preview_points is None:
        return picture
    side = picture.shape[0]
    lines = draw(driven.preview_points, side, "white", side / 2 * LINE_WIDTH)
    return np.where(lines.any(axis=-1, keepdims=True), lines, picture)


def _marked(picture: np.ndarray, points: np.ndarray) -> np.ndarray:
    """A copy of the driver's picture with the corners of a box around his face.

    Args:
        points: float (68, 2), his landmarks, in pixels of the picture. Outside of it, the corners are at its
            edges.
    """
    picture, side = picture.copy(), picture.shape[0]
    low, high = points.min(axis=0), points.max(axis=0)
    margin, length = MARK_MARGIN * (high - low), MARK_LENGTH * (high - low)
    thickness = max(round(side * LINE_WIDTH / 2), 1)
    corners = np.clip([low - margin, high + margin], thickness, side - 1 - thickness)
    for (x, along), (y, down) in itertools.product(
        zip(corners[:, 0], (length[0], -length[0]), strict=True),
        zip(corners[:, 1], (length[1], -length[1]), strict=True),
    ):
        line = np.rint([(x + along, y), (x, y), (x, y + down)]).astype(np.int32)
        cv2.polylines(picture, [line], False, MARK_COLOUR, thickness, cv2.LINE_AA)
    return picture


_BESIDE: dict[str, Callable[[DrivenFrame], np.ndarray]] = {
    "driver": _driver,
    "drawing": _drawing,
    "overlay": _overlay,
}
"""What stands beside the face, by view: uint8 (P, P, 3), RGB. "generated" has nothing beside it."""
