"""Pictures as lightness and colour (CIE L*a*b*), for `--lab_colorization`. OpenCV converts."""

import cv2
import numpy as np

_LIGHTNESS = 50.0
"""L* is 0 to 100: half of it to 1."""
_COLOUR = 110.0
"""a* and b* of sRGB's colours are about -108 to 99."""


def split(picture: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """uint8 (H, W, 3), RGB -> lightness (H, W, 1) and colours (H, W, 2), float32 in [-1, 1]."""
    lab = cv2.cvtColor(picture.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    return lab[..., :1] / _LIGHTNESS - 1, lab[..., 1:] / _COLOUR


def join(lightness: np.ndarray, colours: np.ndarray) -> np.ndarray:
    """What `split` takes apart -> uint8 (H, W, 3), RGB."""
    lab = np.concatenate([(lightness + 1) * _LIGHTNESS, colours * _COLOUR], axis=-1).astype(np.float32)
    return np.rint(np.clip(cv2.cvtColor(lab, cv2.COLOR_LAB2RGB), 0, 1) * 255).astype(np.uint8)


def visible(inputs: np.ndarray, outputs: np.ndarray, targets: np.ndarray) -> list[np.ndarray]:
    """Arrays of a colour training, (H, W, 1) or (H, W, 2) each -> pictures to look at, uint8 RGB.

    Where colours alone are known, they are shown at a medium lightness.
    """
    if inputs.shape[-1] == 1:  # from lightness to colours
        grey = np.zeros_like(targets)
        return [join(inputs, grey), join(inputs, outputs), join(inputs, targets)]
    return [join(np.zeros_like(targets), inputs), join(outputs, inputs), join(targets, inputs)]
