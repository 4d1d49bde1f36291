#!/usr/bin/env python3
"""How good is a frozen generator: driven by frames of its target, by another person, by a still face."""

import argparse
import json
from pathlib import Path

import numpy as np

from face2face import cli, evaluation
from face2face.evaluation import Evaluation
from face2face.generator import Generator
from face2face.identity import FaceDescriptor
from face2face.judging import Judge
from face2face.landmarks import LandmarkDetector, default_landmark_model
from face2face.painter import DrivingOptions, Painter
from face2face.smoothing import DEFAULT_STRENGTH
from face2face.tracking import Tracker


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
    own = painter(Path(args.target).name)
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


def as_json(figures: dict[str, dict[str, float]]) -> dict[str, dict[str, float | None]]:
    """JSON has no NaN: what could not be measured (no face was found) is null."""
    return {
        section: {name: None if np.isnan(value) else value for name, value in measures.items()}
        for section, measures in figures.items()
    }


def write_report(folder: Path, models: dict[str, Evaluation], settings: dict) -> Path:
    """The JSON, and a page for each model with its strips, worst first; returns the first page."""
    from pix2pix import report

    folder.mkdir(parents=True, exist_ok=True)
    figures = {name: as_json(result.figures) for name, result in models.items()}
    content = {"settings": settings, "models": figures}
    (folder / "evaluation.json").write_text(json.dumps(content, indent=2) + "\n")
    pages = []
    for index, (name, result) in enumerate(models.items()):
        place = folder if index == 0 else folder / f"against-{index}"
        for section in ("self", "cross"):
            strips = [s for s in result.strips if s.name.startswith(section)]
            rows = [
                report.write_row(place / section, s.name, s.pictures, "jpeg", s.measures, s.badness)
                for s in strips
            ]
            pages.append(report.write_page(place / section, rows, f"{section}: {name}", table(models)))
    return pages[0]


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
    models = {str(path): evaluate(args, path) for path in paths}
    settings = {name: str(value) for name, value in vars(args).items() if name != "landmark_model"}
    page = write_report(args.output_dir, models, settings)
    print(table(models))
    print(f"wrote {args.output_dir / 'evaluation.json'}, {page} and its neighbours")


if __name__ == "__main__":
    cli.run(main)
