"""Quantises a frozen graph to int8, for OpenVINO: a quarter of float32's size.

The live loop makes 1.6 times as many frames a second as in bfloat16, 3.3 times as many as in float32
(`docs/measurements.md`).

An int8 graph holds its weights as int8 values. OpenVINO computes its convolutions in int8: `FakeQuantize`
operations round their inputs, in ranges that are measured on drawings.
"""

import importlib.util
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from face2face import cli, files, loading
from face2face.generator import engines, graph_check, polyphase
from face2face.generator.checks import ir
from face2face.generator.checks.generator_file import IR_ENDING
from face2face.generator.generator import Generator
from face2face.generator.polyphase import Model, Node
from face2face.sampling import spread_indices

MAX_DIFFERENCE = 1.1
"""Maximum mean difference between the faces of both graphs, in [0, 255].

At 1.0, that of the demo's generator, the faces cannot be told apart by eye, and their SSIM is 0.99.
"""

MAX_DRAWINGS = 100
"""Number of drawings on which ranges are measured and faces compared: with more only the time changes."""

Input: TypeAlias = Any
"""An `openvino.Input`: the input of an operation that reads a tensor."""


def check_installed() -> None:
    """Check that nncf is installed.

    Raises:
        UserError: If it is not installed; says what to install.
    """
    if importlib.util.find_spec("nncf") is None:
        raise cli.UserError("--int8 needs nncf: python -m pip install -r requirements-int8.txt")


def quantise(graph: Path, drawings: Sequence[np.ndarray], output: Path) -> float:
    """Quantise a frozen graph after its training, and compare the faces of both graphs.

    Args:
        graph: A frozen graph, .pb.
        drawings: uint8 (S, S, 3), RGB, such as the graph will read; at most `MAX_DRAWINGS` are used, spread.
        output: An .xml; the weights are written to a .bin beside it.

    Returns:
        The mean difference of the faces, in [0, 255].

    Raises:
        UserError: If that is above `MAX_DIFFERENCE`; then nothing is written.
    """
    os.environ["NNCF_CI"] = "1"  # turns off its telemetry
    import nncf
    import openvino

    exact = Generator(graph, "openvino")
    count = min(len(drawings), MAX_DRAWINGS)
    drawings = [drawings[index] for index in spread_indices(len(drawings), count)]
    model = loading.openvino_core().read_model(graph)
    polyphase.split(model, only_few=True)
    read_skips_rectified(model)
    quantised = nncf.quantize(
        model,
        nncf.Dataset([engines.input_of(drawing) for drawing in drawings]),
        # MIXED: asymmetric ranges for activations, since leaky ReLUs have values of both signs.
        preset=nncf.QuantizationPreset.MIXED,
        subset_size=count,
        fast_bias_correction=False,  # takes minutes instead of one, for two thirds of the difference
    )
    quantise_skips_once(quantised)
    quantised.set_rt_info(exact.target.to_json(), list(ir.TARGET_IN_IR))
    weights = output.with_suffix(".bin")
    with (  # the .xml, which tells that both are ours, replaces the older one first
        files.whole_file(weights, lambda _: is_int8_of_ours(output)) as unfinished_weights,
        files.whole_file(output, is_int8_of_ours) as unfinished,
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
    """Whether a file is a generator that this project froze: only those know their target."""
    try:
        return graph_check.check(path).target is not None
    except (OSError, cli.UserError):
        return False


def is_int8_of_ours(graph: Path) -> bool:
    """Whether an .xml is a generator that this project quantised, even if its .bin is of another one."""
    try:
        return ir.knows_target(graph)
    except (OSError, cli.UserError):
        return False


def read_skips_rectified(model: Model) -> int:
    """Let skip connections read the output of the encoder's leaky ReLU instead of its input, in place.

    Their values stay the same: a ReLU follows, which sets to 0 all values that the leaky ReLU changes.

    Returns:
        The number of skip connections that were changed.
    """
    count = 0
    for node in _leaky(model):
        for reader in node.input_value(0).get_target_inputs():
            if _kind(reader) == "Concat" and all(_kind(after) == "Relu" for after in _readers(reader)):
                reader.replace_source_output(node.output(0))
                count += 1
    return count


def quantise_skips_once(model: Model) -> int:
    """Let skip connections read the int8 values that the next encoder reads, in place.

    An encoder's outputs are then rounded as they are computed, and never written as float32.

    Returns:
        The number of skip connections that were changed.
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


def _leaky(model: Model) -> list[Node]:
    """The leaky ReLUs."""
    return [node for node in model.get_ordered_ops() if node.get_type_name() == "PRelu"]


def _readers(reader: Input) -> set[Input]:
    """The inputs that read the output of the operation that an input belongs to."""
    return reader.get_node().output(0).get_target_inputs()


def _kind(reader: Input) -> str:
    return reader.get_node().get_type_name()


def int8_path(graph: Path) -> Path:
    """The path of the int8 graph of a frozen graph, beside it."""
    return graph.with_name(f"{graph.stem}_int8{IR_ENDING}")
