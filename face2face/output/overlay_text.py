"""Text on pictures: white on a dark panel, so that it can be read whatever is behind it."""

import cv2
import numpy as np

_FONT = cv2.FONT_HERSHEY_SIMPLEX
_CAPITALS = 22  # the font's height at a scale of 1, in pixels
_LINE = 1.8  # from one line's foot to the next, in letter heights


def width_of(text: str, letter: float) -> int:
    """The pixels that a text takes with letters of this height."""
    return cv2.getTextSize(text, _FONT, letter / _CAPITALS, _thickness(letter))[0][0]


def write(picture: np.ndarray, lines: list[str], letter: float, foot: bool = False) -> None:
    """Write lines into the upper left corner of uint8 (H, W, 3), or the lower one, in place.

    letter: the capitals' height in pixels. What is too wide is written smaller, down to where it fits.
    """
    height, width = picture.shape[:2]
    widest = max(width_of(line, letter) for line in lines) + 2 * letter
    letter *= min(1.0, width / widest, height / (letter * (_LINE * len(lines) + 1)))
    panel_height = min(height, round(letter * (_LINE * len(lines) + 0.8)))
    panel_width = min(width, round(max(width_of(line, letter) for line in lines) + 1.6 * letter))
    top = height - panel_height if foot else 0
    panel = picture[top : top + panel_height, :panel_width]
    panel //= 4
    for i, line in enumerate(lines):
        at = (round(0.8 * letter), top + round(letter * (_LINE * (i + 1) - 0.2)))
        scale = letter / _CAPITALS
        cv2.putText(picture, line, at, _FONT, scale, (255, 255, 255), _thickness(letter), cv2.LINE_AA)


def _thickness(letter: float) -> int:
    return max(1, round(letter / 10))
