"""L1, PSNR and SSIM between a generated picture and the true one. Pictures are uint8 (H, W, 3), RGB."""

import math
from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields

import numpy as np

from face2face import loading


@dataclass(frozen=True)
class Measures:
    """The distances of one picture from the true one, or their means.

    Attributes:
        l1: Mean absolute difference, in [0, 255].
        psnr: Peak signal-to-noise ratio, in dB.
        ssim: Structural similarity, at most 1 (Wang et al., 2004).
    """

    l1: float
    psnr: float
    ssim: float

    def __str__(self) -> str:
        return f"L1 {self.l1:.2f} of 255, PSNR {self.psnr:.2f} dB, SSIM {self.ssim:.4f}"


def compare(output: np.ndarray, target: np.ndarray) -> Measures:
    """Compare two pictures of the same size, uint8 (H, W, 3), RGB."""
    (measures,) = compare_regions(output, target, [np.ones(output.shape[:2], bool)])
    return measures


def compare_regions(output: np.ndarray, target: np.ndarray, regions: Sequence[np.ndarray]) -> list[Measures]:
    """Compare regions of two pictures.

    Args:
        output: uint8 (H, W, 3), RGB.
        target: Of the same size.
        regions: bool (H, W) each. SSIM is the mean over the windows whose centre lies in the region.

    Returns:
        The measures of each region; NaN for an empty one.
    """
    loading.load_tensorflow()
    import tensorflow as tf

    difference = output.astype(np.float32) - target.astype(np.float32)
    similarity = np.asarray(tf.image.ssim(output, target, max_val=255, return_index_map=True))
    edge = (output.shape[0] - similarity.shape[0]) // 2  # there a window would leave the picture
    measures = []
    for region in regions:
        inside, windows = difference[region], similarity[region[edge:-edge, edge:-edge]]
        squared = float(np.square(inside).mean()) if len(inside) else float("nan")
        measures.append(
            Measures(
                l1=float(np.abs(inside).mean()) if len(inside) else float("nan"),
                psnr=10 * math.log10(255**2 / squared) if squared else math.inf,
                ssim=float(windows.mean()) if len(windows) else float("nan"),
            )
        )
    return measures


def mean(measures: list[Measures]) -> Measures:
    """The mean of each measure."""
    columns = zip(*(astuple(m) for m in measures), strict=True)
    return Measures(**{f.name: float(np.mean(c)) for f, c in zip(fields(Measures), columns, strict=True)})
