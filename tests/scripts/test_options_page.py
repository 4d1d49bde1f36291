"""docs/options.md: all options of all scripts, beside those of the programs that the project follows."""

import pytest

from docs import options
from docs.options_of_originals import NONE, ORIGINALS
from tests.scripts import test_options


def test_the_page_is_what_the_scripts_take():
    """To write it again: python docs/options.py"""
    assert options.PAGE.read_text() == options.page()


@pytest.mark.parametrize("script", ORIGINALS)
def test_each_option_of_the_originals_is_an_option_here(script):
    names = {name for names, _ in options.options_of(options.parser_of(script)) for name in names}
    assert names >= ORIGINALS[script].keys()


def test_the_original_trainers_defaults_are_told():
    told = ORIGINALS["pix2pix/pix2pix.py"]
    for name, default in test_options.ORIGINALS_DEFAULTS.items():
        shown = {"None": NONE, "True": "on", "False": "off"}.get(str(default), str(default))
        assert told[f"--{name}"][1] == shown, name


def test_same_other_and_more_are_told_apart():
    text = options.page()
    for row in (
        "| `--beta1` | Adam's momentum | 0.5 | A: same |",
        "| `--lr_decay` | share of the steps, at the end, over which lr falls linearly to 0 | 0.5 | more |",
        "| `--ngf` | generator filters in the first layer | 32 | A: other (default 64; ",
    ):
        assert row in text
