"""L1, PSNR and SSIM between a generated picture and the true one. Pictures are uint8 (H, W, 3), RGB."""

from dataclasses import astuple, dataclass, fields

import numpy as np


@dataclass(frozen=True)
class Measures:
    """The distances of one picture from the true one, or their means.

    Attributes:
        l1: mean absolute difference, in [0, 255].
        psnr: peak signal-to-noise ratio, in dB.
        ssim: structural similarity, at most 1 (Wang et al., 2004).
    """

    l1: float
    psnr: float
    ssim: float

    def __str__(self) -> str:
        return f"L1 {self.l1:.2f} of 255, PSNR {self.psnr:.2f} dB, SSIM {self.ssim:.4f}"


def compare(outputs: np.ndarray, targets: np.ndarray) -> Measures:
    """Compare two pictures of the same size, uint8 (H, W, 3), RGB."""
    import tensorflow as tf

    l1 = np.abs(outputs.astype(np.float32) - targets.astype(np.float32)).mean()
    psnr = tf.image.psnr(outputs, targets, max_val=255)
    ssim = tf.image.ssim(outputs, targets, max_val=255)
    return Measures(float(l1), float(psnr), float(ssim))


def mean(measures: list[Measures]) -> Measures:
    """The mean of each measure."""
    columns = zip(*(astuple(m) for m in measures), strict=True)
    return Measures(**{f.name: float(np.mean(c)) for f, c in zip(fields(Measures), columns, strict=True)})
