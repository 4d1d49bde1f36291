"""The loop with all its outputs does not grow: benchmarks/soak.py, shorter, and what it would catch."""

import sys

import pytest

from benchmarks.soak import Usage, growth
from tests import made


def usage(frames: int = 20, **growing) -> list[Usage]:
    """Twenty measurements; growing: what each frame adds."""
    start = {"memory_mb": 300.0, "threads": 20, "files": 12}
    return [
        Usage(number, **{what: value + number * growing.get(what, 0) for what, value in start.items()})
        for number in range(1, frames + 1)
    ]


@pytest.mark.parametrize("what, each", [("memory_mb", 5.0), ("threads", 1), ("files", 1)])
def test_growth_is_seen(what, each):
    assert growth(usage()) == ""
    assert growth(usage(**{what: each})).startswith(f"{what}: ")


def test_growth_while_it_warms_up_is_none():
    assert growth([Usage(0, 100.0, 2, 3), *usage()]) == ""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs Linux's /proc")
def test_a_few_hundred_frames_leave_nothing_behind(frozen_model, clips):
    arguments = ("--file", clips / "single_face.mp4", "--tf-model", frozen_model, "--frames", 300)
    result = made.run_script("benchmarks/soak.py", *arguments)
    assert result.returncode == 0, result.stdout + result.stderr
    assert result.stdout.splitlines()[-1] == "nothing grows"
    assert len([line for line in result.stdout.splitlines() if line.split()[0].isdigit()]) == 20
