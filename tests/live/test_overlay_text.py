"""Text on pictures: letters with accents, on a panel, inside the picture."""

import numpy as np
import pytest

from face2face.output import overlay_text


def written(text: str, letter: float = 20, size: tuple[int, int] = (100, 400)) -> np.ndarray:
    picture = np.full((*size, 3), 120, np.uint8)
    overlay_text.write(picture, [text], letter)
    return picture


@pytest.mark.parametrize("accented, plain", ["ñn", "ÑN", "áa", "éE", "¿?", "üu"])
def test_a_letter_with_an_accent_is_its_own(accented, plain):
    """A font that lacks it would show the same mark for this letter and for that of another script."""
    assert not np.array_equal(written(accented), written(plain))
    assert not np.array_equal(written(accented), written("?"))
    assert not np.array_equal(written(accented), written("\uffff"))


def test_the_tilde_stands_above_the_letter():
    difference = (written("ñ") != written("n")).any(axis=-1)
    letter = written("n")[:60].max(axis=-1) > 200
    rows = np.nonzero(difference.any(axis=1))[0]
    assert rows.max() <= np.nonzero(letter.any(axis=1))[0].min() + 2


def test_a_file_name_that_is_no_text_is_written_with_a_mark():
    assert np.array_equal(written("out\udcff.mp4"), written("out?.mp4"))


def test_text_that_is_too_wide_is_written_smaller():
    narrow = written("a very long line of text that does not fit", size=(100, 120))
    assert (narrow[:, -1] <= 120).all() and narrow.max() > 200
