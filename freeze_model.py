#!/usr/bin/env python3
"""Freeze a reduced model to one file, frozen_model.pb, that plain TensorFlow runs; and export it."""

from face2face import early, frozen_graph, loading

if __name__ == "__main__":
    early.let_ctrl_c_end()

import argparse
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from face2face import cli, files
from face2face.face.crop import CropBox
from face2face.generator import quantisation
from face2face.generator.generator import Generator, sample_drawings
from face2face.sampling import spread_indices
from face2face.target import target_file
from face2face.target.plate import read_plate
from face2face.target.target_file import Target
from pix2pix import exports, legacy, options

if TYPE_CHECKING:
    import keras

_COMPARED = 6
"""Number of drawings on which the faces of the frozen graph and of its exports are compared."""


def freeze(
    model_folder: Path,
    half: bool = False,
    int8: bool = False,
    calibration: Path | None = None,
    with_plate: bool = True,
    formats: Sequence[exports.Format] = (),
) -> Path:
    """Write the frozen graph into the folder, reload it and compare it with the reduced model.

    Args:
        model_folder: Holds the reduced model, of this project or of the original demo.
        half: Store the weights as float16.
        int8: Also write an int8 graph, for OpenVINO.
        calibration: A folder of pairs, on whose drawings the ranges of the int8 values are measured; without
            one, they are measured on drawings of what is known of the target's face.
        with_plate: Put what holds still before the target's camera, if that is known, over what is painted.
        formats: Also export the frozen graph in these, of `exports.FORMATS`.

    Returns:
        The path of the frozen graph.

    Raises:
        UserError: If the folder holds no reduced model, or a damaged one, or, before anything is written, if
            another file is in the way.
    """
    path = model_folder / frozen_graph.FILE_NAME
    for kind in formats:
        kind.check_installed()
    _check_outputs(path, int8, calibration, formats)
    opts = _options(model_folder)
    known = _target(model_folder, opts)
    plate = read_plate(model_folder, opts.image_size)
    if plate is None and not with_plate:
        cli.warn("--no-plate has no effect: nothing of this model's picture is known to hold still")
    plate = plate if with_plate else None
    if int8:
        _check_int8(calibration, known)
    loading.load_tensorflow()
    from pix2pix import frozen, inference

    drawings = _drawings(calibration, known, opts) if int8 and calibration else []
    folded = _restored(model_folder, opts)
    graph = frozen.freeze(folded, known, plate)
    if half:
        graph = frozen.halve(graph)
    with files.whole_file(path, quantisation.is_ours) as unfinished:
        frozen.write(graph, unfinished)

    drawing = inference.sample_drawing(model_folder, opts.image_size)
    expected = inference.uint8_predictor(folded)(drawing)
    if plate is not None:
        expected = plate.compose(expected)
    exact = Generator(path, "tensorflow")
    difference = frozen.largest_difference(expected, exact(drawing))
    kinds = ", ".join(
        f"{count} {kind}" for kind, count in Counter(node.op for node in graph.node).most_common()
    )
    print(f"{len(graph.node)} operations: {kinds}")
    print(f"wrote {path}: {path.stat().st_size / 1e6:.1f} MB{', weights as float16' if half else ''}")
    if plate is not None:
        print(f"{100 * plate.share:.0f} % of the picture holds still and is not painted")
    print(f"largest difference between the reduced and the frozen model: {difference} of 255")
    for kind in formats:
        _export(graph, known, kind, path, exact)
    if int8:
        _quantise(path, drawings or sample_drawings(known, quantisation.MAX_DRAWINGS))
    if outdated := frozen_graph.outdated_files(model_folder):
        cli.warn(f"of an older model, for which options were given that are not given now: {outdated}")
    return path


def _check_int8(calibration: Path | None, target: Target) -> None:
    """Check that a graph can be quantised: there is something to measure its ranges on.

    Raises:
        UserError: If there is nothing, or nncf is not installed.
    """
    if calibration is not None:
        cli.existing_dir(calibration, "--calibration")
    quantisation.check_installed()
    if calibration is None and target.face is None:
        raise cli.UserError(
            "expected --calibration FOLDER_OF_PAIRS with --int8: this model knows no target to draw"
        )


def _restored(model_folder: Path, opts: options.Options) -> "keras.Model":
    """The generator of a reduced model, as plain convolutions.

    Raises:
        UserError: If its checkpoint is missing or damaged.
    """
    from pix2pix import checkpoints, networks

    folded = networks.generator_of(opts, folded=True)
    if legacy.is_reduced_of_original(model_folder):
        legacy.restore(folded, model_folder)
    else:
        checkpoints.restore_generator(folded, model_folder)
    return folded


def _export(
    graph: exports.GraphDef, target: Target, kind: exports.Format, path: Path, exact: Generator
) -> None:
    """Write a frozen graph in another format, beside its file, and print how near its faces are.

    Args:
        graph: The frozen graph.
        target: What is known of its target.
        kind: The format.
        path: The frozen graph's file.
        exact: Paints with it.
    """
    output, drawings = kind.path(path), sample_drawings(target, _COMPARED)
    difference = exports.export(graph, target, kind, output, exact, drawings)
    print(f"wrote {output}: {output.stat().st_size / 1e6:.1f} MB")
    print(f"largest difference between the frozen and the {kind.name} model: {difference} of 255")


def _quantise(path: Path, drawings: Sequence[np.ndarray]) -> None:
    """Write the int8 graph of a frozen graph, beside its file, and print how near its faces are.

    Args:
        path: The frozen graph's file.
        drawings: What ranges are measured on, uint8 (S, S, 3) each, RGB.
    """
    output = quantisation.int8_path(path)
    difference = quantisation.quantise(path, drawings, output)
    size = sum(file.stat().st_size for file in (output, output.with_suffix(".bin")))
    print(f"wrote {output} and its .bin: {size / 1e6:.1f} MB, calculated in int8")
    print(f"mean difference between the frozen and the int8 model: {difference:.2f} of 255")


def _options(model_folder: Path) -> options.Options:
    """Read the options of a reduced model, of this project or of the original demo.

    Raises:
        UserError: If it is none.
    """
    if legacy.is_reduced_of_original(model_folder):
        loading.load_tensorflow()
        return legacy.read_reduced_options(model_folder)
    if legacy.is_of_original(model_folder):
        raise cli.UserError(
            f"expected a reduced model, got a training one (run reduce_model.py first): {model_folder}"
        )
    return options.read(model_folder, options.REDUCED)


def _target(model_folder: Path, opts: options.Options) -> Target:
    """What is known of the target; without a target.json, the training's drawing and image size."""
    return target_file.read_target(model_folder, opts.image_size) or Target(opts.image_size, opts.drawing)


def _check_outputs(
    path: Path, int8: bool, calibration: Path | None, formats: Sequence[exports.Format]
) -> None:
    """Check that no file would be replaced but graphs of ours.

    Raises:
        UserError: If one would.
    """
    outputs = {frozen_graph.FILE_NAME: path}
    files.check_replaceable(path, quantisation.is_ours)
    if int8:
        graph = quantisation.int8_path(path)
        weights = graph.with_suffix(".bin")
        outputs |= {graph.name: graph, weights.name: weights}
        for file in (graph, weights):
            files.check_replaceable(file, lambda _: quantisation.is_int8_of_ours(graph))
    for kind in formats:
        output = kind.path(path)
        outputs[output.name] = output
        files.check_replaceable(output, kind.is_ours)
    files.check_apart(outputs, {"--calibration": calibration})


def _drawings(folder: Path, target: Target, opts: options.Options) -> list[np.ndarray]:
    """The drawings of a folder of pairs, evenly spread, in model space: uint8 (S, S, 3), RGB."""
    from pix2pix import dataset

    pairs = dataset.find_pairs(folder)
    chosen = spread_indices(len(pairs), min(len(pairs), quantisation.MAX_DRAWINGS))
    to_draw = dataset.landmarks_without_irises(folder, target, opts)
    drawings = [dataset.read_pair(pairs[index], opts, to_draw)[0] for index in chosen]
    return [CropBox.centre(*drawing.shape[1::-1]).picture(drawing, opts.image_size) for drawing in drawings]


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = cli.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--model-folder",
        type=cli.checkpoint_folder,
        default=Path("face2face-reduced-model"),
        help="folder of the reduced model",
    )
    parser.add_argument("--half", action="store_true", help="store the weights as float16: half the file")
    parser.add_argument(
        "--int8",
        action="store_true",
        help="also write frozen_model_int8.xml and .bin, for OpenVINO: 1.6 times as many frames a second as "
        "in bfloat16, 3.3 times as many as in float32 (needs requirements-int8.txt)",
    )
    for kind in exports.FORMATS:
        parser.add_argument(
            kind.option,
            dest="formats",
            action="append_const",
            const=kind,
            help=f"also write {kind.path(Path(frozen_graph.FILE_NAME))}, which {kind.engine} runs "
            "(needs requirements-export.txt)",
        )
    parser.add_argument(
        "--calibration",
        type=Path,
        metavar="FOLDER_OF_PAIRS",
        help="for --int8: the training pairs, on whose drawings the ranges of its values are measured "
        "(default: drawings of what is known of the target's face)",
    )
    parser.add_argument(
        "--no-plate",
        dest="with_plate",
        action="store_false",
        help="paint the whole picture, also what holds still before the target's camera",
    )
    args = parser.parse_args(argv)
    if args.calibration and not args.int8:
        parser.error("--calibration is for --int8")
    return args


def main(argv: list[str] | None = None) -> None:
    args = parse_args(argv)
    freeze(args.model_folder, args.half, args.int8, args.calibration, args.with_plate, args.formats or ())


if __name__ == "__main__":
    cli.run(main)
