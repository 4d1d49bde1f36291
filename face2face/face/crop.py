"""The square window of a frame and its way into model space, for pictures and for points alike.

Pixel centres lie on whole numbers, as in dlib and OpenCV: the pixel (0, 0) covers -0.5 to 0.5.
"""

from dataclasses import dataclass

import cv2
import numpy as np

MODEL_SIZE = 256
"""Side of model space in pixels: what a generator reads and writes unless its options say otherwise."""

# The landmarks end at the brows and the chin: hair, neck and shoulders need room beyond them.
MARGIN_ABOVE = 0.55
"""Room above the highest landmark, in heights of the face's own box (brows to chin)."""
MARGIN_BELOW = 0.30
MARGIN_SIDE = 0.25


@dataclass(frozen=True)
class CropBox:
    """A square of a frame, in whole pixels of that frame. It may reach beyond the frame's edges."""

    left: int
    top: int
    side: int

    @classmethod
    def centre(cls, width: int, height: int) -> "CropBox":
        """The largest square in the middle of a frame."""
        side = min(width, height)
        return cls((width - side) // 2, (height - side) // 2, side)

    @classmethod
    def padded(cls, width: int, height: int) -> "CropBox":
        """The smallest square that holds the whole frame."""
        side = max(width, height)
        return cls((width - side) // 2, (height - side) // 2, side)

    @classmethod
    def around(cls, landmarks: np.ndarray, width: int, height: int) -> "CropBox":
        """The fixed window for a clip: all of the face's travel, with a margin for hair, neck and shoulders.

        Args:
            landmarks: float (N, 68, 2), the face in N frames, in pixels of the frame.
            width, height: the frame's size in pixels. The window is shifted, and if need be shrunk, to lie
                inside the frame as far as the face itself leaves it the choice.
        """
        frame = np.array([width, height])
        # A face that is cut by the frame's edge has landmarks beyond it, where there is nothing to hold.
        low, high = np.clip([landmarks.min(axis=(0, 1)), landmarks.max(axis=(0, 1))], 0, frame - 1)
        face = float(np.median(np.ptp(landmarks[:, :, 1], axis=1)))
        wanted_low = low - face * np.array([MARGIN_SIDE, MARGIN_ABOVE])
        wanted_high = high + face * np.array([MARGIN_SIDE, MARGIN_BELOW])
        face_side = float(np.max(high - low)) + 2
        side = round(max(min(float(np.max(wanted_high - wanted_low)), min(width, height)), face_side))
        corner = (wanted_low + wanted_high - side) / 2
        corner = np.clip(corner, 0, np.maximum(frame - side, 0))
        corner = np.where(side > frame, (low + high - side) / 2, corner)
        corner = np.clip(corner, high + 1 - side, low - 1)  # the face itself comes before its margins
        left, top = np.round(corner).astype(int)
        return cls(int(left), int(top), side)

    def picture(self, frame: np.ndarray, size: int | None = None) -> np.ndarray:
        """Cut the window out of a frame, black beyond its edges, and scale it to `size` (None: as it is).

        Args:
            frame: uint8 (H, W, C) or (H, W).
        Returns:
            uint8 (size, size, C) or (size, size), the same colour order.
        """
        height, width = frame.shape[:2]
        right, bottom = self.left + self.side, self.top + self.side
        inside = frame[max(self.top, 0) : max(bottom, 0), max(self.left, 0) : max(right, 0)]
        beyond = (-self.top, bottom - height, -self.left, right - width)
        if any(edge > 0 for edge in beyond):
            inside = cv2.copyMakeBorder(inside, *(max(edge, 0) for edge in beyond), cv2.BORDER_CONSTANT)
        return resize(inside, size) if size else inside

    def points(self, points: np.ndarray, size: int | None = None) -> np.ndarray:
        """Carry points from the frame's pixels to those of `picture(frame, size)`.

        Args:
            points: float (..., 2), x right, y down.
        """
        scale = (size or self.side) / self.side
        return (np.asarray(points, np.float32) + 0.5 - (self.left, self.top)) * scale - 0.5

    def points_back(self, points: np.ndarray, size: int) -> np.ndarray:
        """The way back of `points`: from a picture of that size to the frame's pixels."""
        return (np.asarray(points) + 0.5) * (self.side / size) + (self.left, self.top) - 0.5


def resize(picture: np.ndarray, size: int) -> np.ndarray:
    """Scale a square picture to `size` x `size`: by area when shrinking, bicubic when growing."""
    side = picture.shape[0]
    if side == size:
        return picture
    interpolation = cv2.INTER_AREA if size < side else cv2.INTER_CUBIC
    return cv2.resize(picture, (size, size), interpolation=interpolation)


def fit(picture: np.ndarray, width: int, height: int) -> np.ndarray:
    """Scale a picture, uint8 (H, W, C), into `width` x `height` as large as it goes, black around it."""
    scale = min(width / picture.shape[1], height / picture.shape[0])
    size = (max(1, round(picture.shape[1] * scale)), max(1, round(picture.shape[0] * scale)))
    if size != picture.shape[1::-1]:
        interpolation = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
        picture = cv2.resize(picture, size, interpolation=interpolation)
    if size == (width, height):
        return picture
    left, top = (width - size[0]) // 2, (height - size[1]) // 2
    edges = (top, height - size[1] - top, left, width - size[0] - left)
    return cv2.copyMakeBorder(picture, *edges, cv2.BORDER_CONSTANT)
