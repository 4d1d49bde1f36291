"""Random changes of training pairs (data augmentation): crop and flip, or moved and redrawn landmarks."""

import cv2
import numpy as np

from face2face.face.crop import CropBox
from face2face.face.drawing import draw
from face2face.face.geometry import LANDMARKS, interocular_distance, mirrored, mirrored_irises
from face2face.target.sidecar import Entry
from pix2pix import images, warping
from pix2pix.options import Options

# Largest random motion of a face in `redraw`, in either direction. It is less than a driver's motion, which
# retargeting limits to the target's.
REDRAW_SHIFT = 0.02
"""Share of the picture's side."""
REDRAW_ZOOM = 0.03
"""Relative change of scale."""
REDRAW_ROLL = np.radians(2.0)
"""Radians."""
REDRAW_NOISE = 0.004
"""Standard deviation of each point, in interocular distances: the detector's own from frame to frame."""


def jitter(
    inputs: np.ndarray, targets: np.ndarray, options: Options, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Crop and flip both halves at random, in the same way (paper, section 6.2: scale to 286, crop to 256).

    Args:
        inputs: uint8 (H, W, 3); what is not square is squeezed.
        targets: uint8 (H, W, 3).
        options: `scale_size`, `image_size` and `flip` are used.
        rng: Source of the randomness.

    Returns:
        The two halves, uint8 (S, S, 3), S being `image_size`.
    """
    size = options.image_size
    inputs, targets = (images.shrink(half, options.scale_size) for half in (inputs, targets))
    high, wide = (options.scale_size / side for side in inputs.shape[:2])
    left, top = rng.integers(0, options.scale_size - size, endpoint=True, size=2)
    flip = options.flip and rng.random() < 0.5
    # One affine map enlarges, crops and flips: pixels are interpolated once. Pixel centres are integers.
    matrix = np.array([[wide, 0, (wide - 1) / 2 - left], [0, high, (high - 1) / 2 - top]])
    if flip:
        matrix[0] = -matrix[0] + (0, 0, size - 1)
    return tuple(
        cv2.warpAffine(half, matrix, (size, size), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
        for half in (inputs, targets)
    )


def redraw(
    entry: Entry,
    targets: np.ndarray,
    options: Options,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """Move the face at random, add noise to its landmarks and draw them again, as live drawings vary.

    Args:
        entry: The landmarks, in pixels of the picture.
        targets: The picture, uint8 (H, H, 3), RGB.
        options: `image_size`, `flip` and `drawing` are used.
        rng: Source of the randomness.

    Returns:
        The drawing and the moved picture, uint8 (S, S, 3) each, RGB.
    """
    size = options.image_size
    if targets.shape[0] > size:  # else `cv2.warpAffine` or `cv2.remap` would skip pixels
        entry = entry.in_crop_box(CropBox(0, 0, targets.shape[0]), size)
        targets = images.shrink(targets, size)
    scale = size / targets.shape[0]
    zoom, roll = rng.uniform(1 - REDRAW_ZOOM, 1 + REDRAW_ZOOM), rng.uniform(-REDRAW_ROLL, REDRAW_ROLL)
    shift = rng.uniform(-REDRAW_SHIFT, REDRAW_SHIFT, 2) * size
    # Irises are moved with the landmarks, as two more points.
    irises = np.full((2, 2), np.nan) if entry.irises is None else entry.irises
    filmed = np.concatenate([entry.points, irises])
    points = filmed.copy()
    is_warped = options.warp > 0 and rng.random() < warping.SHARE
    if is_warped:
        points[:LANDMARKS] = warping.varied(entry.points, options.warp, rng)
    centre = entry.points.mean(axis=0)
    matrix = cv2.getRotationMatrix2D(centre.tolist(), np.degrees(roll), zoom * scale)
    matrix[:, 2] += (centre + 0.5) * scale - 0.5 - centre + shift
    moved = placed = points @ matrix[:, :2].T + matrix[:, 2]
    moved = moved + rng.normal(0, REDRAW_NOISE * float(interocular_distance(moved)), moved.shape)
    moved, irises = moved[:LANDMARKS], moved[LANDMARKS:]
    if options.flip and rng.random() < 0.5:
        matrix[0] = -matrix[0] + (0, 0, size - 1)
        moved, irises = mirrored(moved, size), mirrored_irises(irises, size)
        placed = placed * (-1, 1) + (size - 1, 0)
    picture = _moved_picture(targets, matrix, size, (placed, filmed) if is_warped else None)
    width = None if entry.line_width is None else entry.line_width * scale
    return draw(moved, size, options.drawing, width, irises), picture


def _moved_picture(
    picture: np.ndarray, matrix: np.ndarray, size: int, warped: tuple[np.ndarray, np.ndarray] | None
) -> np.ndarray:
    """Move a picture, and warp it, in one interpolation.

    Args:
        picture: uint8 (H, H, 3).
        matrix: float (2, 3), from pixels of the picture to those of the result.
        size: Side of the result, pixels.
        warped: Places in the result, and where they are in the picture, float (N, 2) each, NaN of those that
            are unknown; None: no warp.

    Returns:
        uint8 (size, size, 3).
    """
    how = {"interpolation": cv2.INTER_CUBIC, "borderMode": cv2.BORDER_REPLICATE}
    if warped is None:
        how["flags"] = how.pop("interpolation")
        return cv2.warpAffine(picture, matrix, (size, size), **how)
    is_known = np.isfinite(warped).all(axis=(0, 2))
    places, sources = (points[is_known] for points in warped)
    reach = warping.REACH * float(interocular_distance(places))
    back = cv2.invertAffineTransform(matrix).astype(np.float32)
    pixels = np.arange(size, dtype=np.float32)
    base = pixels[:, None, None] * back[:, 1] + (pixels[:, None] * back[:, 0] + back[:, 2])
    return cv2.remap(picture, warping.warp_map(places, sources, reach, base), None, **how)
