#!/usr/bin/env python3
"""How good is a frozen generator: driven by frames of its target, by another person, by a still face."""

from face2face import early

if __name__ == "__main__":
    early.let_ctrl_c_end()

import argparse
import re
from pathlib import Path
from typing import Literal

import msgspec

from face2face import cli, files, pictures, records
from face2face.evaluation import evaluation, identity, results
from face2face.evaluation.evaluation import EvaluationOptions
from face2face.evaluation.results import Evaluation
from face2face.evaluation.target_frames import Clip
from face2face.face.landmarks import default_landmark_model
from face2face.output.controls import gain_argument
from face2face.sources.base import as_text
from face2face.sources.open import is_address, source_path

FIGURES = "evaluation.json"

SECTIONS = ("self", "cross")
"""The judgements that have a page of strips."""

_SECTION = "|".join(SECTIONS)
_REPORT = re.compile(
    rf"{re.escape(FIGURES)}"
    rf"|(against-\d+/)?({_SECTION})/(index\.html|images/({_SECTION})(-\d+)+-[a-z]+\.jpeg)"
)
"""The files of a report, by their paths in its folder."""


class Content(msgspec.Struct):
    """What evaluation.json holds.

    Attributes:
        format_version: 2; in version 1 the figures' keys were the sentences of the table.
        made_by: Tells the file from a user's own.
        settings: The options of the run.
        models: model -> section -> key of `results.FIGURES` -> value; None where no face was found.
        drivers: model -> driver -> key of `results.FIGURES["cross"]` -> value.
    """

    format_version: Literal[1, 2]
    made_by: Literal["face2face"]
    settings: dict[str, str]
    models: dict[str, dict[str, dict[str, float | None]]]
    drivers: dict[str, dict[str, dict[str, float | None]]] = {}


def is_ours(path: Path) -> bool:
    """Whether a file is one that `write_report` wrote."""
    from pix2pix import report

    if path.name != FIGURES:
        return report.is_page(path) if path.name == report.PAGE else pictures.is_ours(path)
    try:
        records.read(path, Content, "what evaluate.py writes")
    except cli.UserError:
        return False
    return True


def page_folders(folder: Path, count: int) -> list[tuple[str, Path]]:
    """(section, folder) of each page, model by model."""
    places = [folder if index == 0 else folder / f"against-{index}" for index in range(count)]
    return [(section, place / section) for place in places for section in SECTIONS]


def check_outputs(folder: Path, count: int, inputs: dict[str, Path | None]) -> None:
    """Check that the report of so many models has a place.

    Raises:
        UserError: If an input, or a file that is not ours, would be replaced by it.
    """
    from pix2pix import report

    places = [place for _, place in page_folders(folder, count)]
    outputs = [folder / FIGURES, *(place / report.PAGE for place in places)]
    files.check_apart({str(path): path for path in [*outputs, *places]}, inputs)
    strips = (path for place in places for path in (place / report.IMAGES).glob("*.jpeg"))
    of_report = [path for path in strips if _REPORT.fullmatch(path.relative_to(folder).as_posix())]
    for path in [*outputs, *of_report]:
        files.check_replaceable(path, is_ours)


def tables(models: dict[str, Evaluation]) -> str:
    """The figures of the models side by side, and under them those of several drivers, model by model."""
    of_models = results.table({name: result.values for name, result in models.items()})
    of_drivers = [
        results.drivers_table(name, result.drivers)
        for name, result in models.items()
        if len(result.drivers) > 1
    ]
    return "\n\n".join([of_models, *of_drivers])


def write_report(folder: Path, models: dict[str, Evaluation], settings: dict[str, str]) -> Path:
    """Write evaluation.json, and pages for each model with its strips, worst first.

    All files are moved into place at the end and replace those of an earlier report; other files stay.

    Returns:
        The first page.
    """
    from pix2pix import report

    figures = {name: results.as_json(result.values) for name, result in models.items()}
    drivers = {name: results.as_json(result.drivers) for name, result in models.items()}
    content = Content(2, "face2face", settings, figures, drivers)
    judged = [(name, result) for name, result in models.items() for _ in SECTIONS]
    with files.whole_folder(folder, is_ours, FIGURES, _REPORT) as unfinished:
        for (section, place), (name, result) in zip(
            page_folders(unfinished, len(models)), judged, strict=True
        ):
            rows = [
                report.write_row(place, s.name, s.pictures, "jpeg", s.measures, s.badness)
                for s in result.strips
                if s.name.startswith(section)
            ]
            report.write_page(place, rows, f"{section}: {name}", tables(models))
        files.write_text(unfinished / FIGURES, records.encode(content), is_ours)
    return folder / SECTIONS[0] / report.PAGE


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = cli.ArgumentParser(description=__doc__)
    parser.add_argument("--tf-model", type=Path, required=True, help="frozen generator")
    parser.add_argument("--against", type=Path, help="another frozen generator, to compare with")
    parser.add_argument("--target", required=True, help="clip of the target")
    parser.add_argument("--driver", nargs="+", required=True, help="clips of other people, one or more")
    parser.add_argument(
        "--start", type=cli.non_negative_float, default=Clip.start, help="second of the target's clip"
    )
    parser.add_argument("--end", type=cli.non_negative_float, help="second of the target's clip to end at")
    parser.add_argument(
        "--frames",
        type=cli.positive_int,
        default=EvaluationOptions.frames,
        help="of the target, spread evenly",
    )
    parser.add_argument("--retarget", choices=("on", "off"), default="on", help="in cross and steady")
    parser.add_argument(
        "--smoothing", type=cli.fraction, default=EvaluationOptions.smoothing, help="as in run_webcam.py"
    )
    for name in ("expression", "head"):
        parser.add_argument(
            f"--{name}",
            type=gain_argument,
            default=getattr(EvaluationOptions, name),
            metavar="X",
            help="in cross and steady, as in run_webcam.py",
        )
    parser.add_argument("--no-gaze", action="store_true", help="gaze is drawn at rest, and not judged")
    parser.add_argument(
        "--as-camera",
        action="store_true",
        help="learn a driver's face at rest while he is watched, not from his whole clip before",
    )
    parser.add_argument("--landmark-model", type=Path, default=default_landmark_model(), help="dlib's model")
    parser.add_argument(
        "--output-dir", type=Path, default=Path("evaluation"), help="for the JSON and the pages"
    )
    return parser.parse_args(argv)


def check_clip(source: str, option: str) -> None:
    """Check that a source is a file or a folder: a clip is read more than once, as no camera can be.

    Raises:
        UserError: If it is not.
    """
    if is_address(source) or source_path(source) is None:
        shown = as_text(source)
        raise cli.UserError(f"expected {option} as a video file or a folder of pictures, got '{shown}'")


def main(argv: list[str] | None = None) -> None:
    args = parse_args(argv)
    models = [cli.existing_file(path, "the frozen model") for path in (args.tf_model, args.against) if path]
    inputs = {"--tf-model": args.tf_model, "--against": args.against}
    inputs |= {
        "--target": source_path(args.target),
        **{f"--driver {as_text(driver)}": source_path(driver) for driver in args.driver},
    }
    if args.against and args.against.samefile(args.tf_model):
        raise cli.UserError(f"expected another model as --against than as --tf-model, got {args.against}")
    if len(set(args.driver)) < len(args.driver):
        raise cli.UserError(f"expected each --driver once, got {' '.join(args.driver)}")
    check_outputs(args.output_dir, len(models), inputs)
    check_clip(args.target, "--target")
    for driver in args.driver:
        check_clip(driver, "--driver")
    options = EvaluationOptions(
        target=Clip(args.target, args.start, args.end),
        drivers=args.driver,
        landmark_model=args.landmark_model,
        frames=args.frames,
        retarget=args.retarget == "on",
        smoothing=args.smoothing,
        expression=args.expression,
        head=args.head,
        gaze=not args.no_gaze,
        look_ahead=not args.as_camera,
    )
    given = vars(args) | {"driver": " ".join(args.driver)}
    settings = {name: as_text(str(value)) for name, value in given.items() if name != "landmark_model"}
    judged = {as_text(model): evaluation.evaluate(model, options) for model in models}
    print(tables(judged))
    page = write_report(args.output_dir, judged, settings)
    if identity.sface_model() is None:
        print(f"identity by SFace is left out: {identity.SFACE_INSTALLED_BY}")
    print(f"wrote {args.output_dir / FIGURES}, {page} and its neighbours")
    if missed := dict.fromkeys(reason for result in judged.values() for reason in result.shortfalls):
        raise cli.Incomplete("; ".join(missed))


if __name__ == "__main__":
    cli.run(main)
