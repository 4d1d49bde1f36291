#!/usr/bin/env python3
"""How good is a frozen generator: driven by frames of its target, by another person, by a still face."""

from face2face import early

if __name__ == "__main__":
    early.let_ctrl_c_end()

import argparse
from pathlib import Path
from typing import Literal

import msgspec
import numpy as np

from face2face import cli, files, pictures, records
from face2face.evaluation import evaluation
from face2face.evaluation.evaluation import Evaluation
from face2face.evaluation.identity import FaceDescriptor
from face2face.evaluation.measures import Judge
from face2face.face.landmarks import LandmarkDetector, default_landmark_model
from face2face.face.smoothing import DEFAULT_STRENGTH
from face2face.face.tracking import Tracker
from face2face.generator.generator import Generator
from face2face.live.painter import DrivingOptions, Painter
from face2face.sources.base import as_text, name_of
from face2face.sources.files import source_path

FIGURES = "evaluation.json"

SECTIONS = ("self", "cross")
"""The judgements that have a page of strips."""


def evaluate(args: argparse.Namespace, model: Path) -> Evaluation:
    """All figures and strips of one model."""
    generator = Generator(model)
    judge = Judge(LandmarkDetector(args.landmark_model), FaceDescriptor())
    driving = DrivingOptions(retarget=args.retarget == "on")

    def painter(source: str = "") -> Painter:
        return Painter(Tracker(judge.detector, args.smoothing), [generator], driving, source)

    result = Evaluation()
    frames = evaluation.target_frames(
        args.target, generator, judge.detector, args.start, args.end, args.frames
    )
    descriptor, own_sharpness = evaluation.evaluate_self(frames, generator, judge, result)
    first = evaluation.evaluate_cross(args.driver, painter(), judge, descriptor, own_sharpness, result)
    own = painter(name_of(Path(args.target)))
    evaluation.evaluate_flicker(args.target, args.start, args.end, generator, own, result)
    evaluation.evaluate_still(first, painter(), judge, result)
    return result


def table(models: dict[str, Evaluation]) -> str:
    """The figures of the models side by side, as Markdown."""
    names = list(models)
    lines = ["| | " + " | ".join(names) + " |", "| --- |" + " --- |" * len(names)]
    sections = next(iter(models.values())).figures
    for section, measures in sections.items():
        for measure in measures:
            values = [models[name].figures[section].get(measure, float("nan")) for name in names]
            lines.append(f"| *{section}*: {measure} | " + " | ".join(f"{v:.4g}" for v in values) + " |")
    return "\n".join(lines)


class Content(msgspec.Struct):
    """What evaluation.json holds. models: model -> section -> measure -> value; None: no face was found."""

    format_version: Literal[1]
    made_by: Literal["face2face"]
    settings: dict[str, str]
    models: dict[str, dict[str, dict[str, float | None]]]


def as_json(figures: dict[str, dict[str, float]]) -> dict[str, dict[str, float | None]]:
    """JSON has no NaN: what could not be measured (no face was found) is null."""
    return {
        section: {name: None if np.isnan(value) else value for name, value in measures.items()}
        for section, measures in figures.items()
    }


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
    """Where the pages of so many models go: (section, folder), model by model."""
    places = [folder if index == 0 else folder / f"against-{index}" for index in range(count)]
    return [(section, place / section) for place in places for section in SECTIONS]


def check_outputs(folder: Path, count: int, inputs: dict[str, Path | None]) -> None:
    """Raises: UserError if an input or a file that is not ours is where the report of so many models goes."""
    from pix2pix import report

    places = [place for _, place in page_folders(folder, count)]
    outputs = [folder / FIGURES, *(place / report.PAGE for place in places)]
    files.check_apart({str(path): path for path in [*outputs, *places]}, inputs)
    for path in outputs:
        files.check_replaceable(path, is_ours)


def write_report(folder: Path, models: dict[str, Evaluation], settings: dict[str, str]) -> Path:
    """The JSON, and a page for each model with its strips, worst first; returns the first page.

    All of it takes its place at the end, in that of an earlier report; other files stay.
    """
    from pix2pix import report

    figures = {name: as_json(result.figures) for name, result in models.items()}
    content = Content(format_version=1, made_by="face2face", settings=settings, models=figures)
    results = [(name, result) for name, result in models.items() for _ in SECTIONS]
    with files.whole_folder(folder, is_ours, last=FIGURES) as unfinished:
        for (section, place), (name, result) in zip(
            page_folders(unfinished, len(models)), results, strict=True
        ):
            rows = [
                report.write_row(place, s.name, s.pictures, "jpeg", s.measures, s.badness)
                for s in result.strips
                if s.name.startswith(section)
            ]
            report.write_page(place, rows, f"{section}: {name}", table(models))
        files.write_text(unfinished / FIGURES, records.encode(content), is_ours)
    return folder / SECTIONS[0] / report.PAGE


def parse_args(argv=None) -> argparse.Namespace:
    parser = cli.ArgumentParser(description=__doc__)
    parser.add_argument("--tf-model", type=Path, required=True, help="frozen generator")
    parser.add_argument("--against", type=Path, help="another frozen generator, to compare with")
    parser.add_argument("--target", required=True, help="clip of the target")
    parser.add_argument("--driver", required=True, help="clip of another person")
    parser.add_argument(
        "--start", type=cli.non_negative_float, default=0.0, help="second of the target's clip"
    )
    parser.add_argument("--end", type=cli.non_negative_float, help="second of the target's clip to end at")
    parser.add_argument("--frames", type=cli.positive_int, default=100, help="of the target, spread evenly")
    parser.add_argument("--retarget", choices=("on", "off"), default="on", help="in cross and steady")
    parser.add_argument(
        "--smoothing", type=cli.fraction, default=DEFAULT_STRENGTH, help="as in run_webcam.py"
    )
    parser.add_argument("--landmark-model", type=Path, default=default_landmark_model(), help="dlib's model")
    parser.add_argument(
        "--output-dir", type=Path, default=Path("evaluation"), help="for the JSON and the pages"
    )
    return parser.parse_args(argv)


def main(argv=None) -> None:
    args = parse_args(argv)
    paths = [cli.existing_file(path, "the frozen model") for path in (args.tf_model, args.against) if path]
    inputs = {"--tf-model": args.tf_model, "--against": args.against}
    inputs |= {"--target": source_path(args.target), "--driver": source_path(args.driver)}
    check_outputs(args.output_dir, len(paths), inputs)
    models = {as_text(path): evaluate(args, path) for path in paths}
    settings = {name: as_text(str(value)) for name, value in vars(args).items() if name != "landmark_model"}
    page = write_report(args.output_dir, models, settings)
    print(table(models))
    print(f"wrote {args.output_dir / FIGURES}, {page} and its neighbours")


if __name__ == "__main__":
    cli.run(main)
