"""The crop box: a square of a frame that is scaled to model space, pictures and points alike.

Pixel centres have integer coordinates, as in dlib and OpenCV: the pixel (0, 0) covers -0.5 to 0.5.
"""

from dataclasses import dataclass

import cv2
import numpy as np

MODEL_SIZE = 256
"""Default side of model space in pixels: the size of the pictures that a generator reads and writes."""

# The landmarks end at the brows and the chin. The margins make room for hair, neck and shoulders.
MARGIN_ABOVE = 0.55
"""Margin above the highest landmark, over the height of the face (brows to chin)."""
MARGIN_BELOW = 0.30
MARGIN_SIDE = 0.25
"""Margins below the lowest landmark and to either side, in the same unit."""


@dataclass(frozen=True)
class CropBox:
    """A square of a frame, in whole pixels. It may extend beyond the frame's edges.

    Attributes:
        left: First column.
        top: First row.
        side: Width and height.
    """

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
        """The fixed crop box of a clip: it holds the face in all frames, with margins.

        It is shifted, and if necessary shrunk, into the frame, as far as it still holds the face.

        Args:
            landmarks: float (N, 68, 2), the face in N frames, in pixels of the frame.
            width: The frame's width in pixels.
            height: The frame's height in pixels.
        """
        frame = np.array([width, height])
        # A face at the frame's edge has landmarks beyond it, where there are no pixels.
        low, high = np.clip([landmarks.min(axis=(0, 1)), landmarks.max(axis=(0, 1))], 0, frame - 1)
        face = float(np.median(np.ptp(landmarks[:, :, 1], axis=1)))
        wanted_low = low - face * np.array([MARGIN_SIDE, MARGIN_ABOVE])
        wanted_high = high + face * np.array([MARGIN_SIDE, MARGIN_BELOW])
        face_side = float(np.max(high - low)) + 2
        side = round(max(min(float(np.max(wanted_high - wanted_low)), min(width, height)), face_side))
        corner = (wanted_low + wanted_high - side) / 2
        corner = np.clip(corner, 0, np.maximum(frame - side, 0))
        corner = np.where(side > frame, (low + high - side) / 2, corner)
        corner = np.clip(corner, high + 1 - side, low - 1)  # the face takes precedence over its margins
        left, top = np.round(corner).astype(int)
        return cls(int(left), int(top), side)

    def picture(self, frame: np.ndarray, size: int | None = None) -> np.ndarray:
        """Cut the crop box out of a frame, black beyond the frame's edges, and scale it.

        Args:
            frame: uint8 (H, W, C) or (H, W).
            size: Side of the result in pixels; None: not scaled.

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
        """Transform points from pixels of the frame to pixels of `picture(frame, size)`.

        Args:
            points: float (..., 2), x right, y down.
            size: Side of the picture in pixels; None: not scaled.
        """
        scale = (size or self.side) / self.side
        return (np.asarray(points, np.float32) + 0.5 - (self.left, self.top)) * scale - 0.5

    def points_back(self, points: np.ndarray, size: int) -> np.ndarray:
        """The inverse of `points`: from pixels of `picture(frame, size)` to pixels of the frame."""
        return (np.asarray(points) + 0.5) * (self.side / size) + (self.left, self.top) - 0.5


def resize(picture: np.ndarray, size: int) -> np.ndarray:
    """Scale a square picture, uint8 (S, S, C) or (S, S), to `size` x `size` pixels.

    It is averaged over areas when it shrinks, and interpolated bicubically when it grows.
    """
    side = picture.shape[0]
    if side == size:
        return picture
    interpolation = cv2.INTER_AREA if size < side else cv2.INTER_CUBIC
    return cv2.resize(picture, (size, size), interpolation=interpolation)


def fit(picture: np.ndarray, width: int, height: int) -> np.ndarray:
    """Scale a picture, uint8 (H, W, C), to fit `width` x `height` pixels, with black borders."""
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


def scaled_part(
    grey: np.ndarray, centre: np.ndarray, size: tuple[int, int], scaled_to: tuple[int, int]
) -> np.ndarray:
    """A part of a picture, scaled, to be compared; beyond the picture's edges, edge pixels are repeated.

    Args:
        grey: uint8 (H, W).
        centre: float (2,), of the part, pixels; not rounded.
        size: Width and height of the part, pixels.
        scaled_to: Width and height of the result, pixels.

    Returns:
        float32, 0 to 255.
    """
    part = cv2.getRectSubPix(grey, size, centre.tolist())
    return cv2.resize(part, scaled_to, interpolation=cv2.INTER_AREA).astype(np.float32)
