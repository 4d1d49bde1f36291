"""Pictures as lightness and colours (CIE L*a*b*), for `--lab_colorization`."""

import cv2
import numpy as np

_LIGHTNESS = 50.0
"""L* is from 0 to 100; it is divided by this, minus 1."""
_COLOUR = 110.0
"""a* and b* of sRGB's colours are from about -108 to 99; they are divided by this."""


def split(picture: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Convert uint8 (H, W, 3), RGB, to lightness (H, W, 1) and colours (H, W, 2), float32 in [-1, 1]."""
    lab = cv2.cvtColor(picture.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    return lab[..., :1] / _LIGHTNESS - 1, lab[..., 1:] / _COLOUR


def join(lightness: np.ndarray, colours: np.ndarray) -> np.ndarray:
    """Undo `split`: return uint8 (H, W, 3), RGB."""
    lab = np.concatenate([(lightness + 1) * _LIGHTNESS, colours * _COLOUR], axis=-1).astype(np.float32)
    return np.rint(np.clip(cv2.cvtColor(lab, cv2.COLOR_LAB2RGB), 0, 1) * 255).astype(np.uint8)


def visible(inputs: np.ndarray, outputs: np.ndarray, targets: np.ndarray) -> list[np.ndarray]:
    """Convert the arrays of a colour training to pictures.

    Args:
        inputs: Lightness (H, W, 1) or colours (H, W, 2), float32 in [-1, 1].
        outputs: What the generator made of them: the other of the two.
        targets: What it should have made of them.

    Returns:
        Three pictures, uint8 (H, W, 3), RGB. Colours as inputs are shown at a medium lightness.
    """
    if inputs.shape[-1] == 1:  # from lightness to colours
        grey = np.zeros_like(targets)
        return [join(inputs, grey), join(inputs, outputs), join(inputs, targets)]
    return [join(np.zeros_like(targets), inputs), join(outputs, inputs), join(targets, inputs)]
