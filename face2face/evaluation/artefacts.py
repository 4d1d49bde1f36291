"""What a generator paints and no camera films: stains, dark specks, squares that its up-sampling makes."""

from collections.abc import Sequence
from itertools import product

import cv2
import numpy as np

from face2face.evaluation import regions
from face2face.face.geometry import interocular_distance

STAIN = 4.0
"""Distance in the a and b of CIELAB from which a pixel is of another hue than its surroundings. Of true
frames of seven clips, 0 to 0.3 % of the skin is; of a model with visible stains, 3 %."""
STAIN_RADIUS = 1 / 16
"""Radius of the surroundings, in interocular distances."""
DARK_SHARE = 0.001
"""Share of the skin of a true frame that counts as darker than its surroundings, in the median frame."""

TILE = 64
"""Side in pixels of the tiles whose spectra are added: squares show in parts of a picture."""
LINES, SQUARES = (2,), (4, 8, 16)
"""Periods of the up-sampling in pixels: that of its last level shows as fine lines, those of the levels below
as squares."""
NEIGHBOUR = 2
"""Distance of the frequencies that a frequency is compared with; the Hann window blurs by less than that."""


def unevenness(picture: np.ndarray, points: np.ndarray) -> np.ndarray:
    """How the skin differs from its surroundings, which are the median around each pixel.

    Args:
        picture: uint8 (S, S, 3), RGB.
        points: float (68, 2), the face's landmarks in it.

    Returns:
        int16 (N, 3): of each pixel of the skin, the difference in CIELAB's lightness, of 255, in a and in b.
        N is 0 if no skin shows.
    """
    skin = regions.skin(points, picture.shape[0])
    if not skin.any():
        return np.zeros((0, 3), np.int16)
    radius = max(1, round(STAIN_RADIUS * float(interocular_distance(points))))
    x, y, width, height = cv2.boundingRect(skin.astype(np.uint8))
    near = np.s_[max(0, y - radius) : y + height + radius, max(0, x - radius) : x + width + radius]
    colours = cv2.cvtColor(picture[near], cv2.COLOR_RGB2LAB)
    median = cv2.medianBlur(colours, 2 * radius + 1)
    return colours[skin[near]].astype(np.int16) - median[skin[near]]


def stains(skin: np.ndarray) -> float:
    """Share of the skin that is of another hue than its surroundings, in percent; NaN if no skin shows.

    Args:
        skin: From `unevenness`.
    """
    return _percentage(np.hypot(*skin[:, 1:].T) > STAIN)


def dark_specks(skin: np.ndarray, depth: float) -> float:
    """Share of the skin that is darker than its surroundings by more than a depth, in percent.

    Args:
        skin: From `unevenness`.
        depth: Of the target's own true frames, from `usual_depth`: true faces have folds and moles.

    Returns:
        NaN if no skin shows, or the depth is NaN.
    """
    return float("nan") if np.isnan(depth) else _percentage(-skin[:, 0] > depth)


def usual_depth(frames: Sequence[np.ndarray]) -> float:
    """How much darker than its surroundings a target's true skin gets.

    The median of the frames decides, so that a hand before the face or hair on it does not count as skin.

    Args:
        frames: From `unevenness`, of true frames.

    Returns:
        What `DARK_SHARE` of the skin exceeds in the median frame, of 255; NaN if no skin shows.
    """
    depths = [np.quantile(-skin[:, 0], 1 - DARK_SHARE, method="higher") for skin in frames if len(skin)]
    return float(np.median(depths)) if depths else float("nan")


def _percentage(of_pixels: np.ndarray) -> float:
    return 100 * float(of_pixels.mean()) if len(of_pixels) else float("nan")


def spectrum(picture: np.ndarray) -> np.ndarray:
    """The mean power spectrum of a picture's tiles, which overlap by half.

    Args:
        picture: uint8 (S, S, 3), RGB; S is `TILE` or more.

    Returns:
        float (TILE, TILE), positive; spectra of several pictures may be added.
    """
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32)
    tiles = np.lib.stride_tricks.sliding_window_view(grey, (TILE, TILE))[:: TILE // 2, :: TILE // 2]
    tiles = tiles.reshape(-1, TILE, TILE)
    hann = np.hanning(TILE + 1)[:-1].astype(np.float32)
    window = np.outer(hann, hann)
    half = np.fft.rfft2((tiles - tiles.mean(axis=(1, 2), keepdims=True)) * window)
    power = (half.real**2 + half.imag**2).mean(axis=0, dtype=np.float64)
    power += np.square(window).sum() / 12  # of rounding to whole grey levels: no frequency has less
    mirrored = np.roll(power[::-1], 1, axis=0)[:, -2:0:-1]
    return np.concatenate([power, mirrored], axis=1)


def strength(power: np.ndarray, periods: tuple[int, ...]) -> float:
    """How much stronger a picture's spectrum is at some periods than at the frequencies next to them.

    In a picture that was filmed, no frequency stands out: about 1, whatever it shows and however sharp it
    is. What repeats every few pixels raises its frequency and the harmonics. The ratio to the neighbours is
    taken, not that to the true frames' energy: a blurred picture has less energy at all frequencies, which
    would hide squares.

    Args:
        power: From `spectrum`.
        periods: In pixels, powers of 2, at most `TILE` / 4.

    Returns:
        The ratio at the worst of the periods; each one's is the geometric mean over its
        harmonics, without those that it shares with half the period.
    """
    log = np.log(power)
    steps = [step for step in product((-NEIGHBOUR, 0, NEIGHBOUR), repeat=2) if any(step)]
    prominence = log - np.mean([np.roll(log, step, axis=(0, 1)) for step in steps], axis=0)
    ratios = []
    for period in periods:
        step = TILE // period
        own = np.zeros(power.shape, bool)
        own[::step, ::step] = True
        own[:: 2 * step, :: 2 * step] = False
        ratios.append(float(np.exp(prominence[own].mean())))
    return max(ratios)
