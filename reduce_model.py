#!/usr/bin/env python3
"""Keep only the generator of a training checkpoint, as plain convolutions with biases.

It also reads the training folders of the original pix2pix-tensorflow. Those generators, and those of
`--paper`, keep normalising by the statistics of each picture (instance norm), as in their training.

With --student it teaches a smaller generator to answer as the trained one, on drawings of its pairs, and
keeps the smaller one. Ctrl-C keeps what has been taught so far.
"""

from face2face import early, frozen_graph, loading

if __name__ == "__main__":
    early.let_ctrl_c_end()

import argparse
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from face2face import cli, files
from pix2pix import legacy, model_folder, options
from pix2pix.options import Options

if TYPE_CHECKING:
    import keras

    from face2face.target.plate import Plate
    from face2face.target.target_file import Target

_CONTENT = re.compile(
    r"checkpoint|generator-\d+\.(index|data-[\d-]+of[\d-]+)|options\.json|target\.json|plate\.png"
)
"""The files of a reduced model."""


@dataclass(frozen=True)
class Student:
    """A smaller generator to be taught.

    Attributes:
        ngf: Filters of its first layer.
        pairs: Folder of combined pairs, on whose drawings it is taught.
        max_steps: Number of steps, of one drawing each.
        seed: Seed of the random numbers.
    """

    ngf: int
    pairs: Path = Path("photos/combined/train")
    max_steps: int = 20_000
    seed: int = 0


_OF_STUDENT = {
    "pairs": (Path, "folder of the training pairs, on whose drawings it is taught"),
    "max_steps": (cli.positive_int, "how many steps to teach it, of one drawing each"),
    "seed": (cli.non_negative_int, "seed of the random numbers"),
}
"""Types and help texts of the options that say how a student is taught."""


def reduce(
    model_input: Path, model_output: Path, which: str | None = None, student: Student | None = None
) -> None:
    """Write the reduced model of a training folder, read it again, and compare the outputs of both.

    Args:
        model_input: The training folder.
        model_output: The folder of the reduced model.
        which: One of `options.WEIGHTS`; None: the best where there are some.
        student: The smaller generator to teach and write; None: the trained one is written.

    Raises:
        UserError: If the training folder is missing or damaged, or, before anything is changed, if a file
            that is not ours is in the way.
        KeyboardInterrupt: After a signal while a student is taught; the student so far has been written, into
            another folder if a reduced model is in `model_output`.
    """
    inputs = {"--model-input": model_input, "--pairs": student and student.pairs}
    outputs = {"--model-output": model_output}
    if student is not None:
        outputs["the folder of a student whose teaching is stopped"] = _stopped(model_output)
    files.check_apart(outputs, inputs)
    opts = model_folder.read_options(_existing(model_input))
    if (model_output / options.FILE_NAME).is_file():
        options.read(model_output, options.REDUCED)
    is_ours = reduced_files(model_output)
    files.check_replaceable(model_output / options.FILE_NAME, is_ours)
    if student is not None:
        _check_student(student, opts, model_input)
        for folder in (model_output, _stopped(model_output)):
            _check_output(folder)
    loading.load_tensorflow()
    from face2face.target.plate import read_plate
    from face2face.target.target_file import read_target
    from pix2pix import checkpoints, folding, inference, networks

    inference.check_paints_pictures(opts, model_input)
    target, plate = read_target(model_input, opts.image_size), read_plate(model_input, opts.image_size)
    trained = networks.generator_of(opts)
    checkpoint = model_folder.restore_generator(trained, model_input, which)
    folded = folding.fold(trained)
    if student is None:
        _write(model_output, folded, opts, target, plate)
        difference = _difference(model_input, trained, model_output, opts)
        result = f"largest difference between the trained and the reduced generator: {difference} of 255"
    else:
        from pix2pix import teaching

        small = replace(opts, ngf=student.ngf)

        def save(taught: "keras.Model", is_done: bool) -> Path:
            """An unfinished student does not take the place of a model that is there."""
            keeps = not is_done and options.has_stage(model_output, options.REDUCED)
            folder = _stopped(model_output) if keeps else model_output
            _write(folder, taught, small, target, plate)
            return folder

        measures = teaching.teach(
            folded, opts, target, student.ngf, student.pairs, student.max_steps, student.seed, save
        )
        result = f"the student (ngf {student.ngf}) against its teacher (ngf {opts.ngf}): {measures}"
    before, after = (
        checkpoints.size_mb(path) for path in (checkpoint, checkpoints.newest_checkpoint(model_output))
    )
    print(f"{checkpoint}: {before:.1f} MB before, {after:.1f} MB after, in {model_output}")
    if opts.statistics == options.INSTANCE:
        print("as in 2017, each picture is normalised by its own statistics")
    print(result)


def _write(
    folder: Path, generator: "keras.Model", opts: Options, target: "Target | None", plate: "Plate | None"
) -> None:
    """Write a reduced model; what freeze_model.py made of an older one is named in a warning.

    Args:
        folder: The folder of the reduced model.
        generator: A folded generator.
        opts: Its options.
        target: What is known of its target.
        plate: What holds still behind the target.

    Raises:
        UserError: If a file that is not ours is in the way.
    """
    from face2face.target.plate import write_plate
    from pix2pix import checkpoints

    # While a student was taught, another reduced model may have been written there.
    ours_now = reduced_files(folder)
    with files.whole_folder(folder, ours_now, checkpoints.STATE, _CONTENT) as unfinished:
        checkpoints.save_generator(generator, unfinished)
        options.write(unfinished, opts, options.REDUCED)
        if target is not None:
            target.write(unfinished)
        write_plate(unfinished, plate)
    if outdated := frozen_graph.outdated_files(folder):
        cli.warn(f"of an older model, run freeze_model.py again: {outdated}")


def _difference(model_input: Path, trained: "keras.Model", model_output: Path, opts: Options) -> int:
    """The largest difference between a trained generator's face and that of the reduced model, of 255.

    The reduced model is read again. A generator of the original trainer is computed by the original's own
    operations, without a layer of ours.
    """
    from pix2pix import checkpoints, frozen, inference, networks
    from pix2pix.legacy_generator import LegacyGenerator

    drawing = inference.sample_drawing(model_input, opts.image_size)
    written = networks.generator_of(opts, folded=True)
    checkpoints.restore_generator(written, model_output)
    is_original = legacy.is_of_original(model_input)
    expected = LegacyGenerator(model_input) if is_original else inference.uint8_predictor(trained)
    return frozen.largest_difference(expected(drawing), inference.uint8_predictor(written)(drawing))


def _existing(model_input: Path) -> Path:
    """Check that the training folder is there; the tutorial trains inside the folder of the trainer, too.

    Raises:
        UserError: If it is not; the message names a folder of that name elsewhere.
    """
    elsewhere = [place / model_input for place in (Path("pix2pix"), Path(".."))]
    found = [str(path) for path in elsewhere if not model_input.exists() and path.is_dir()]
    if found and not model_input.is_absolute():
        raise cli.UserError(f"{model_input} not found, but {found[0]}: give it with --model-input {found[0]}")
    return model_input


def _check_student(student: Student, opts: Options, model_input: Path) -> None:
    """Raise `UserError` if a model cannot teach this student."""
    if student.ngf >= opts.ngf:
        raise cli.UserError(
            f"expected --student below {opts.ngf}, the ngf of the trained generator, got {student.ngf}"
        )
    if opts.separable_conv:
        raise cli.UserError(f"expected a model without --separable_conv as teacher, got one: {model_input}")
    cli.existing_dir(student.pairs, "--pairs")


def _stopped(model_output: Path) -> Path:
    """Where a student goes whose teaching was stopped, if a reduced model is in `model_output`."""
    place = model_output if model_output.name not in ("", "..") else Path(os.path.abspath(model_output))
    return place.parent / f"{place.name}-stopped"


def _check_output(folder: Path) -> None:
    """Raise `UserError` before a student is taught if it could not be written afterwards."""
    is_ours = reduced_files(folder)
    if folder.exists():
        for path in cli.existing_dir(folder, "--model-output").iterdir():
            if _CONTENT.fullmatch(path.name):
                files.check_replaceable(path, is_ours)


def reduced_files(folder: Path) -> files.IsOurs:
    """Find out which files of a folder belong to the reduced model in it, if there is one."""
    is_reduced = options.has_stage(folder, options.REDUCED)
    whole = folder.resolve()
    return lambda path: is_reduced and path.parent.resolve() == whole and bool(_CONTENT.fullmatch(path.name))


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    parser = cli.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--model-input",
        type=cli.checkpoint_folder,
        default=Path("face2face-model"),
        help="training folder",
    )
    parser.add_argument(
        "--model-output",
        type=cli.checkpoint_folder,
        default=Path("face2face-reduced-model"),
        help="folder of the reduced model",
    )
    parser.add_argument("--which", choices=options.WEIGHTS, help=model_folder.WHICH_HELP)
    parser.add_argument(
        "--student",
        type=cli.positive_int,
        metavar="NGF",
        help="teach a smaller generator, of NGF filters in the first layer, to answer as the trained one",
    )
    for name, (kind, text) in _OF_STUDENT.items():
        parser.add_argument(
            f"--{name}", type=kind, help=f"for --student: {text} (default: {getattr(Student, name)})"
        )
    args = parser.parse_args(argv)
    for name in _OF_STUDENT:
        if args.student is None and getattr(args, name) is not None:
            parser.error(f"--{name} is for --student")
    return args


def main(argv: Sequence[str] | None = None) -> None:
    args = parse_args(argv)
    student = None
    if args.student is not None:
        given = {name: getattr(args, name) for name in _OF_STUDENT if getattr(args, name) is not None}
        student = Student(args.student, **given)
    reduce(args.model_input, args.model_output, args.which, student)


if __name__ == "__main__":
    cli.run(main)
