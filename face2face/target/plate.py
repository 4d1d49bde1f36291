"""The plate: the part of the picture that holds still before a still camera, which need not be painted.

Its picture is the median of the training photos. Its mask tells where the photos are the same: a wall, the
corner of a sofa. Where the head, the hair or the shoulders come in any photo, the mask is 0.

    plate.png   RGB, (S, 2 S): the plate, premultiplied by the mask, and beside it the mask, grey
"""

import itertools
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from face2face import cli, pictures
from face2face.face.geometry import JAW
from face2face.target.statistics import TargetFace, move_head

PLATE_NAME = "plate.png"

MAX_PHOTOS = 100
"""Maximum number of photos that are compared: more only take memory."""
MIN_PHOTOS = 20
"""With fewer photos, what holds still in all of them may move in the next."""

MAX_DEVIATION = 10
"""Maximum deviation of a still pixel from the median, in [0, 255], in the channel that deviates most. Noise
and compression of webcam clips reach 6 after `_SMOOTHING`."""
DEVIATING_SHARE = 0.02
"""Share of the photos that may deviate by more: single damaged frames."""

FEATHER = 0.04
"""Width of the transition from the plate to what is painted, as a share of the side."""
_SMOOTHING = 0.01
"""Standard deviation of the Gaussian that smooths the deviations, as a share of the side."""
_LARGEST_HOLE = 0.015
"""Width of holes in the still part that are closed, as a share of the side."""
_HEAD_MARGIN = 0.03
"""Margin around the head, for ears and hair that no deviation shows, as a share of the side."""
_SMALLEST_ISLAND = 0.005
"""Share of the picture that a connected still part has at least."""

MIN_SHARE = 0.02
"""Share of the picture that a plate fills at least; below, the camera moves or the head fills the picture."""


@dataclass(frozen=True)
class Plate:
    """The still part of the target's picture, in model space.

    Attributes:
        picture: uint8 (S, S, 3), RGB, premultiplied by the mask: black where that is 0.
        mask: uint8 (S, S): 255 where the plate replaces what is painted, 0 where it does not.
    """

    picture: np.ndarray
    mask: np.ndarray

    @classmethod
    def measure(cls, photos: np.ndarray, points: np.ndarray, face: TargetFace) -> "Plate | None":
        """Find what holds still in the training photos.

        Args:
            photos: uint8 (N, S, S, 3), RGB, spread over the training.
            points: Landmarks of all training photos, float (M, 68, 2), in model space.
            face: The target's statistics: the head is expected in its whole range of motion.

        Returns:
            None if hardly anything holds still, or there are fewer than `MIN_PHOTOS`.
        """
        if len(photos) < MIN_PHOTOS:
            return None
        size = photos.shape[1]
        middle = len(photos) // 2
        median = np.partition(photos, middle, axis=0)[middle]
        deviations = np.array(
            [cv2.GaussianBlur(cv2.absdiff(p, median).max(axis=2), (0, 0), _SMOOTHING * size) for p in photos]
        )
        rank = int(np.ceil((1 - DEVIATING_SHARE) * (len(photos) - 1)))
        still = (np.partition(deviations, rank, axis=0)[rank] <= MAX_DEVIATION).astype(np.uint8)
        still = cv2.morphologyEx(still, cv2.MORPH_CLOSE, _disc(_LARGEST_HOLE * size / 2))
        still[head_region(np.concatenate([points, heads_in_range(face)]), size)] = 0
        _, labels, found, _ = cv2.connectedComponentsWithStats(still)
        islands = found[:, cv2.CC_STAT_AREA] >= _SMALLEST_ISLAND * size**2
        islands[0] = False  # what moves
        distance = cv2.distanceTransform(islands[labels].astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
        ramp = np.clip(distance / (FEATHER * size), 0, 1)
        mask = np.rint(255 * ramp**2 * (3 - 2 * ramp)).astype(np.uint8)
        plate = cls(np.rint(median * (mask[..., None] / 255)).astype(np.uint8), mask)
        return plate if plate.share >= MIN_SHARE else None

    @property
    def share(self) -> float:
        """Share of the picture that the plate fills, 0 to 1."""
        return float(self.mask.mean()) / 255

    def compose(self, painted: np.ndarray) -> np.ndarray:
        """Put the plate over a painted picture, as the frozen graph does.

        Args:
            painted: uint8 (S, S, 3), RGB.

        Returns:
            uint8 (S, S, 3), RGB.
        """
        return (
            np.rint(painted * (1 - self.mask[..., None] / 255) + self.picture).clip(0, 255).astype(np.uint8)
        )


def write_plate(folder: Path, plate: Plate | None) -> None:
    """Write `plate.png` into a folder; without a plate, remove that of an earlier training.

    Raises:
        UserError: If another file is in its place.
        OSError: If it cannot be written.
    """
    path = folder / PLATE_NAME
    if plate is None:
        if pictures.is_ours(path):
            path.unlink()
        return
    mask = np.repeat(plate.mask[..., None], 3, axis=2)
    pictures.write(path, np.concatenate([plate.picture, mask], axis=1))


def read_plate(folder: Path, image_size: int) -> Plate | None:
    """Read a folder's `plate.png`.

    Args:
        image_size: Side of model space in pixels.

    Returns:
        None if there is none.

    Raises:
        UserError: If the file is damaged, or of another size.
        OSError: If the system refuses.
    """
    path = folder / PLATE_NAME
    if not path.is_file():
        return None
    both = pictures.read(path)
    if both.shape[:2] != (image_size, 2 * image_size):
        raise cli.UserError(
            f"expected a plate and its mask of {2 * image_size}x{image_size} pixels, "
            f"got {both.shape[1]}x{both.shape[0]}: {path}"
        )
    picture, mask = np.split(both, 2, axis=1)
    return Plate(picture, mask[..., 0])


def head_region(points: np.ndarray, size: int) -> np.ndarray:
    """The pixels that the head covers in any of some pictures.

    The eyes are half-way up a head, and the jaw line's ends are beside them. So a head is taken as the convex
    hull of the landmarks and of the jaw's mirror image above the line through its ends.

    Args:
        points: float (N, 68, 2), in model space.
        size: Side of model space in pixels.

    Returns:
        bool (S, S).
    """
    region = np.zeros((size, size), np.uint8)
    for face in np.asarray(points, np.float32):
        jaw = face[JAW]
        along = (jaw[-1] - jaw[0]) / max(float(np.linalg.norm(jaw[-1] - jaw[0])), 1e-6)
        from_end = jaw - jaw[0]
        crown = jaw[0] + 2 * (from_end @ along)[:, None] * along - from_end
        hull = cv2.convexHull(np.concatenate([face, crown]))
        cv2.fillConvexPoly(region, np.rint(hull).astype(np.int32), 1)
    return cv2.dilate(region, _disc(_HEAD_MARGIN * size)) > 0


def heads_in_range(face: TargetFace) -> np.ndarray:
    """The neutral face at the ends of the head's range of motion, in all combinations: float (16, 68, 2)."""
    return np.array(
        [move_head(face.neutral, face.neutral, motion) for motion in itertools.product(*face.motion)]
    )


def _disc(radius: float) -> np.ndarray:
    side = 2 * round(radius) + 1
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
