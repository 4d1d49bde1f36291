"""The pictures that go out, composed from one driven frame."""

from collections.abc import Callable
from functools import cached_property

import cv2
import numpy as np

from face2face.face.crop import resize
from face2face.face.drawing import LINE_WIDTH, draw
from face2face.live.driven_frame import DrivenFrame
from face2face.output import provenance


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
        self._side = driven.driver.shape[0]
        self._pictures: dict[tuple[str, bool], np.ndarray] = {}

    @cached_property
    def face(self) -> np.ndarray:
        """The face alone as it was generated, uint8 (S, S, 3), RGB."""
        return self._labelled(self._driven.generated)

    def picture(self, view: str, mirrored: bool = False) -> np.ndarray:
        """The face with what stands beside it, uint8 (P, P or 2 P, 3), RGB, as high as the driver's preview.

        Args:
            view: One of `VIEWS`.
        """
        if (view, mirrored) not in self._pictures:
            self._pictures[view, mirrored] = self._compose(view, mirrored)
        return self._pictures[view, mirrored]

    def _compose(self, view: str, mirrored: bool) -> np.ndarray:
        face = self._labelled(_flip(self._enlarged) if mirrored else self._enlarged)
        if view == "generated":
            return face
        left = _BESIDE[view](self._driven)
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
    return driven.driver


def _drawing(driven: DrivenFrame) -> np.ndarray:
    return resize(driven.shown_drawing, driven.driver.shape[0])


def _overlay(driven: DrivenFrame) -> np.ndarray:
    """The driver with the landmarks that were detected."""
    picture = driven.driver
    if driven.driver_points is None:
        return picture
    side = picture.shape[0]
    lines = draw(driven.driver_points, side, "white", side / 2 * LINE_WIDTH)
    return np.where(lines.any(axis=-1, keepdims=True), lines, picture)


_BESIDE: dict[str, Callable[[DrivenFrame], np.ndarray]] = {
    "driver": _driver,
    "drawing": _drawing,
    "overlay": _overlay,
}
