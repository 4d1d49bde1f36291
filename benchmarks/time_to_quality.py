#!/usr/bin/env python3
"""How soon is a face how good: the measures of evaluate.py against the time that its training took.

Two trainings on the same pairs, one after the other, with the paper's settings and with the defaults (or what
else is told). Each time one saves a checkpoint, that is copied with the time since the start; when both have
ended, the copies are judged on frames of the clip that they have not seen.
"""

import argparse
import json
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
if not __package__:  # run as a script: its own folder is first on the path, not the project's
    sys.path[0] = str(ROOT)

from face2face import cli

MEASURES = {"L1 (of 255)": 0, "SSIM": 1, "landmark error": 0, "sharpness": 1, "identity, median": 0}
"""Of `evaluate.py`'s section self, and the value that is best: the nearer to it, the better."""

COLOURS = ("#777777", "#c03030")
POLL_SECONDS = 0.5


def train(name: str, arguments: list[str], folder: Path) -> dict[int, float]:
    """Train, and copy each checkpoint to FOLDER/NAME-STEP; returns the seconds to each step.

    Raises: UserError if the training fails.
    """
    model = folder / name
    if model.exists():
        raise cli.UserError(f"expected a new --output-dir, got one with a training: {model}")
    command = [sys.executable, str(ROOT / "pix2pix" / "pix2pix.py"), "--mode", "train"]
    print(f"$ {shlex.join([*command, '--output_dir', str(model), *arguments])}", flush=True)
    began, seconds = time.monotonic(), {}
    process = subprocess.Popen([*command, "--output_dir", str(model), *arguments])
    try:
        is_over = False
        while not is_over:
            is_over = process.poll() is not None
            for step in _saved(model) - seconds.keys():
                seconds[step] = time.monotonic() - began
                _copy(model, step, folder / f"{name}-{step}")
            time.sleep(0 if is_over else POLL_SECONDS)
    finally:
        process.terminate()
        process.wait()
    if process.returncode:
        raise cli.UserError(f"the training '{name}' ended with exit code {process.returncode}")
    return seconds


def _saved(model: Path) -> set[int]:
    """The steps of whole checkpoints: one is whole when the list of them names it."""
    listed = model / "checkpoint"
    text = listed.read_text() if listed.is_file() else ""
    steps = (int(path.stem.split("-")[1]) for path in model.glob("ckpt-*.index"))
    return {step for step in steps if f'"ckpt-{step}"' in text}


def _copy(model: Path, step: int, place: Path) -> None:
    place.mkdir(parents=True)
    for file in [*model.glob(f"ckpt-{step}.*"), *model.glob("*.json")]:
        shutil.copy(file, place)
    (place / "checkpoint").write_text(f'model_checkpoint_path: "ckpt-{step}"\n')


def judge(args: argparse.Namespace, place: Path) -> dict[str, float]:
    """The measures of a copied checkpoint."""
    import freeze_model
    import reduce_model
    from face2face import evaluation
    from face2face.generator import Generator
    from face2face.identity import FaceDescriptor
    from face2face.judging import Judge
    from face2face.landmarks import LandmarkDetector

    reduce_model.reduce(place, place / "reduced")
    generator = Generator(freeze_model.freeze(place / "reduced"))
    judge = Judge(LandmarkDetector(args.landmark_model), FaceDescriptor())
    frames = evaluation.target_frames(
        args.target, generator, judge.detector, args.start, args.end, args.frames
    )
    result = evaluation.Evaluation()
    evaluation.evaluate_self(frames, generator, judge, result)
    return {name: result.figures["self"][name] for name in MEASURES}


def table(rows: list[dict]) -> str:
    lines = [f"| settings | step | minutes | {' | '.join(MEASURES)} |", "| --- " * (3 + len(MEASURES)) + "|"]
    for row in rows:
        values = " | ".join(f"{row[name]:.4g}" for name in MEASURES)
        lines.append(f"| {row['settings']} | {row['step']} | {row['seconds'] / 60:.1f} | {values} |")
    return "\n".join(lines)


def verdicts(rows: list[dict]) -> Iterator[str]:
    """Of each measure: in what share of the paper's time have the defaults come to its last value?"""
    paper = [row for row in rows if row["settings"] == "paper"][-1]
    ours = [row for row in rows if row["settings"] == "defaults"]
    for name, best in MEASURES.items():
        wanted = abs(paper[name] - best)
        reached = next((row for row in ours if abs(row[name] - best) <= wanted), None)
        share = f"in {reached['seconds'] / paper['seconds']:.2f} of its time" if reached else "never"
        yield f"{name}: the paper's {paper[name]:.4g} after {paper['step']} steps, reached {share}"


def plot(rows: list[dict]) -> str:
    """An SVG: a small diagram for each measure, minutes to the right."""
    width, height, gap = 260, 170, 45
    minutes = max(row["seconds"] for row in rows) / 60
    parts = []
    for index, name in enumerate(MEASURES):
        values = [row[name] for row in rows if row[name] == row[name]] or [0.0]
        low, high = min(values), max(max(values), min(values) + 1e-9)
        left = gap + index * (width + gap)
        parts.append(f'<rect x="{left}" y="30" width="{width}" height="{height}" fill="none" stroke="#ccc"/>')
        parts.append(f'<text x="{left}" y="20">{name}</text>')
        parts.append(f'<text x="{left - 4}" y="42" text-anchor="end">{high:.3g}</text>')
        parts.append(f'<text x="{left - 4}" y="{30 + height}" text-anchor="end">{low:.3g}</text>')
        parts.append(f'<text x="{left + width}" y="{46 + height}" text-anchor="end">{minutes:.0f} min</text>')
        for colour, settings in zip(COLOURS, ("paper", "defaults"), strict=True):
            points = " ".join(
                f"{left + width * row['seconds'] / 60 / minutes:.1f},"
                f"{30 + height * (high - row[name]) / (high - low):.1f}"
                for row in rows
                if row["settings"] == settings and row[name] == row[name]
            )
            parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>')
    for place, (colour, settings) in enumerate(zip(COLOURS, ("paper", "defaults"), strict=True)):
        parts.append(f'<text x="{gap + 90 * place}" y="{70 + height}" fill="{colour}">{settings}</text>')
    size = f'width="{gap + len(MEASURES) * (width + gap)}" height="{90 + height}"'
    body = "\n".join(parts)
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif" font-size="12">'
    return f"{head}\n{body}\n</svg>\n"


def compare(args: argparse.Namespace) -> None:
    common = ["--input_dir", str(args.input_dir), "--save_freq", str(args.save_freq), "--val_freq", "0"]
    kinds = {
        "paper": ["--paper", "--max_steps", str(args.paper_steps), *common],
        "defaults": [*shlex.split(args.settings), *common],
    }
    times = {name: train(name, arguments, args.output_dir) for name, arguments in kinds.items()}
    rows = []
    for name, seconds in times.items():
        for step in sorted(seconds):
            row = {"settings": name, "step": step, "seconds": seconds[step]}
            place = args.output_dir / f"{name}-{step}"
            rows.append(row | judge(args, place))
            for file in place.glob("ckpt-*"):  # the frozen model beside them is enough
                file.unlink()
    (args.output_dir / "time_to_quality.json").write_text(json.dumps(rows, indent=2) + "\n")
    (args.output_dir / "time_to_quality.svg").write_text(plot(rows))
    print(table(rows), *verdicts(rows), sep="\n")


def parse_args(argv=None) -> argparse.Namespace:
    parser = cli.ArgumentParser(description=__doc__)
    parser.add_argument("--input_dir", type=Path, required=True, help="the training pairs")
    parser.add_argument("--target", required=True, help="the clip that the pairs come from")
    parser.add_argument("--start", type=cli.non_negative_float, default=0.0, help="second to judge from")
    parser.add_argument("--end", type=cli.non_negative_float, help="second to judge to")
    parser.add_argument("--frames", type=cli.positive_int, default=100, help="to judge on, spread evenly")
    parser.add_argument("--paper_steps", type=cli.positive_int, default=6000, help="of the paper's settings")
    parser.add_argument(
        "--settings", default="--preset standard", help="the other training's options, in one argument"
    )
    parser.add_argument("--save_freq", type=cli.positive_int, default=500, help="steps between judgements")
    parser.add_argument("--landmark-model", type=Path, help="dlib's model (default: the installed one)")
    parser.add_argument("--output-dir", type=Path, default=Path("time-to-quality"), help="for all of it")
    return parser.parse_args(argv)


def main(argv=None) -> None:
    args = parse_args(argv)
    cli.existing_dir(args.input_dir, "--input_dir")
    cli.existing_file(args.target, "--target")
    if args.landmark_model is None:
        from face2face.landmarks import default_landmark_model

        args.landmark_model = default_landmark_model()
    compare(args)


if __name__ == "__main__":
    cli.run(main)
