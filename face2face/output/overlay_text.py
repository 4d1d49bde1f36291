"""Text on pictures: white on a dark panel, legible on any picture.

OpenCV's own font has accented letters (n with tilde) from version 5 on. Pillow's own font (Aileron, of
`ImageFont.load_default`) has ASCII only; and OpenCV writes straight into the picture's array.
"""

from collections.abc import Sequence

import cv2
import numpy as np

_FONT = cv2.FONT_HERSHEY_SIMPLEX
_CAPITAL_HEIGHT = 22  # pixels at OpenCV's font scale of 1
_LINE_PITCH = 1.8  # distance of the lines, in letter heights


def _text_width(text: str, letter: float) -> int:
    """The width in pixels of a text with capitals of a height in pixels."""
    return cv2.getTextSize(text, _FONT, letter / _CAPITAL_HEIGHT, _thickness(letter))[0][0]


def write(picture: np.ndarray, lines: Sequence[str], letter: float, at_bottom: bool = False) -> None:
    """Write lines of text into a left corner of a picture, in place.

    Args:
        picture: uint8 (H, W, 3).
        lines: One line of text each.
        letter: Height of capitals in pixels. Text that is too large for the picture is written smaller.
        at_bottom: The lower corner instead of the upper one.
    """
    # A file's name may have bytes that are no text; OpenCV ends the process for them.
    lines = [line.encode(errors="replace").decode() for line in lines]
    height, width = picture.shape[:2]
    widest = max(_text_width(line, letter) for line in lines) + 2 * letter
    letter *= min(1.0, width / widest, height / (letter * (_LINE_PITCH * len(lines) + 1)))
    panel_height = min(height, round(letter * (_LINE_PITCH * len(lines) + 0.8)))
    panel_width = min(width, round(max(_text_width(line, letter) for line in lines) + 1.6 * letter))
    top = height - panel_height if at_bottom else 0
    panel = picture[top : top + panel_height, :panel_width]
    panel //= 4
    for i, line in enumerate(lines):
        at = (round(0.8 * letter), top + round(letter * (_LINE_PITCH * (i + 1) - 0.2)))
        scale = letter / _CAPITAL_HEIGHT
        cv2.putText(picture, line, at, _FONT, scale, (255, 255, 255), _thickness(letter), cv2.LINE_AA)


def _thickness(letter: float) -> int:
    return max(1, round(letter / 10))
