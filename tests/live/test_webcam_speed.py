"""The benchmark of the loop: what it measures is there, and what it counts is right."""

import sys

import pytest

from benchmarks import limit, webcam_speed
from face2face import loading
from pix2pix import networks
from tests import made

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="it does not tell memory")


@pytest.fixture(scope="module")
def contestants(frozen_model, clips):
    clip = str(clips / "single_face.mp4")
    return {
        name: webcam_speed.contend(loop, clip, frozen_model, "float32", 12)
        | {"start": 2.0, "first_start": 3.0}
        for name, loop in (("plain loop", "plain"), ("this", "openvino"))
    }


def test_each_loop_paints_each_frame(contestants):
    for measured in contestants.values():
        assert (measured["frames"], measured["frames_with_face"]) == (12, 12)
        assert measured["stages"].keys() == set(webcam_speed.STAGES)
        assert measured["fps"] > 0 and measured["processor_ms"] > 0 and measured["memory_mb"] > 100


def test_the_table_begins_with_the_ratios(contestants):
    contestants["plain loop"]["fps"], contestants["this"]["fps"] = 8.0, 30.0
    head, rule, ratios, rates, *rest = webcam_speed._loops(contestants).splitlines()
    assert (head, rule) == ("| | plain loop | this |", "| --- | ---: | ---: |")
    assert ratios.endswith("| **1.0** | **3.8** |") and rates.endswith("| 8.0 | 30.0 |")
    assert {line.count("|") for line in (head, rule, ratios, rates, *rest)} == {4}


def test_the_generators_operations_are_counted(frozen_model):
    """As many as its convolutions' sizes say: each value of a map times the kernel times what goes in."""

    widths = networks.encoder_filters(made.SMALL.image_size, made.SMALL.ngf)
    ins, side, kernel = 3, made.SMALL.image_size, networks.KERNEL**2
    expected = 0
    for out in widths:  # encoder
        side //= 2
        expected += 2 * side * side * out * kernel * ins
        ins = out
    for level in range(len(widths), 0, -1):  # decoder, which also reads the encoder's map of the same size
        ins = widths[level - 1] * (1 if level == len(widths) else 2)
        out = widths[level - 2] if level > 1 else 3
        expected += 2 * side * side * ins * kernel * out
        side *= 2
    assert limit.operations(loading.openvino_core().read_model(frozen_model)) == expected
    measured = limit.generator_and_limit(frozen_model, rounds=2)
    assert measured["generator"]["gflop"] == expected / 1e9
    assert "%**" in webcam_speed._alone(measured)
