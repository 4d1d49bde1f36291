"""A frozen graph in whole numbers of 8 bits, for OpenVINO: a quarter of the size, several times as fast."""

import importlib.util
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from face2face import cli, files
from face2face.generator import graph_check, polyphase
from face2face.generator.generator import Generator
from face2face.generator.generator_file import IR_ENDING
from face2face.generator.ir_check import TARGET_IN_IR

MAX_DIFFERENCE = 0.6
"""Of the faces painted by the two graphs, the mean over all pixels, of 255, at most."""

MAX_DRAWINGS = 100
"""That the ranges of numbers are taken from, and the faces compared on: more change nothing but the time."""


def check_installed() -> None:
    """Raises: UserError that says what to install."""
    if importlib.util.find_spec("nncf") is None:
        raise cli.UserError("--int8 needs nncf: python -m pip install -r requirements-int8.txt")


def quantise(graph: Path, drawings: Sequence[np.ndarray], output: Path) -> float:
    """Quantise a frozen graph after its training, and compare the faces that both paint.

    Args:
        graph: a frozen graph, .pb.
        drawings: uint8 (S, S, 3), RGB, such as it will be given; at most `MAX_DRAWINGS` of them, spread.
        output: an .xml; the weights go beside it.
    Returns:
        The mean difference of the faces, of 255.
    Raises:
        UserError: if that is above `MAX_DIFFERENCE`; then nothing is written.
    """
    os.environ["NNCF_CI"] = "1"  # it would tell its makers that it was used
    import nncf
    import openvino

    exact = Generator(graph, "openvino")
    count = min(len(drawings), MAX_DRAWINGS)
    drawings = [drawings[i * len(drawings) // count] for i in range(count)]
    pairs = [np.concatenate([drawing, np.zeros_like(drawing)], axis=1) for drawing in drawings]
    model = openvino.Core().read_model(graph)
    polyphase.split(model, only_few=True)
    read_skips_rectified(model)
    quantised = nncf.quantize(
        # The leaky activations have numbers of both signs: their ranges need not be symmetrical.
        model,
        nncf.Dataset(pairs),
        preset=nncf.QuantizationPreset.MIXED,
        subset_size=count,
        fast_bias_correction=False,  # minutes instead of one, for two thirds of the difference
    )
    quantise_skips_once(quantised)
    quantised.set_rt_info(exact.target.to_json(), list(TARGET_IN_IR))
    weights = output.with_suffix(".bin")
    with (
        files.whole_file(output, is_ours) as unfinished,
        files.whole_file(weights, lambda _: is_ours(output)) as unfinished_weights,
    ):
        openvino.save_model(quantised, unfinished, compress_to_fp16=False)
        painted = Generator(unfinished, "openvino")
        differences = [np.abs(exact(d).astype(np.int16) - painted(d)).mean() for d in drawings]
        difference = float(np.mean(differences))
        if not difference <= MAX_DIFFERENCE:
            raise cli.UserError(
                f"expected int8 faces within {MAX_DIFFERENCE} of 255 of the float ones, in the mean, got "
                f"{difference:.2f} over {count} drawings: {output} is not written"
            )
        os.replace(unfinished.with_suffix(".bin"), unfinished_weights)
    return difference


def is_ours(path: Path) -> bool:
    """Whether a file is a generator that this project froze: it knows its target."""
    try:
        return graph_check.check(path).target is not None
    except (OSError, cli.UserError):
        return False


def read_skips_rectified(model) -> int:
    """Let skip connections of an `openvino.Model` read what the next encoder reads; returns how many do then.

    A leaky rectifier changes nothing for them: a full one follows, which drops all that it may change.
    """
    count = 0
    for node in _leaky(model):
        for reader in node.input_value(0).get_target_inputs():
            if _kind(reader) == "Concat" and all(_kind(after) == "Relu" for after in _readers(reader)):
                reader.replace_source_output(node.output(0))
                count += 1
    return count


def quantise_skips_once(model) -> int:
    """Let them read it in 8 bits, as the encoder does; returns how many do then.

    An encoder's outputs are then rounded as they are computed, and written nowhere in 32 bits.
    """
    count = 0
    for node in _leaky(model):
        readers = list(node.output(0).get_target_inputs())
        rounded = [
            reader.get_node()
            for reader in readers
            if _kind(reader) == "FakeQuantize"
            and any(_kind(after) == "Convolution" for after in _readers(reader))
        ]
        for reader in readers:
            if len(rounded) == 1 and _kind(reader) == "Concat":
                reader.replace_source_output(rounded[0].output(0))
                count += 1
    return count


def _leaky(model) -> list:
    return [node for node in model.get_ordered_ops() if node.get_type_name() == "PRelu"]


def _readers(reader):
    """Of the outputs of the node that an input belongs to."""
    return reader.get_node().output(0).get_target_inputs()


def _kind(reader) -> str:
    return reader.get_node().get_type_name()


def name_beside(graph: Path) -> Path:
    """Where the quantised form of a graph goes."""
    return graph.with_name(f"{graph.stem}_int8{IR_ENDING}")
