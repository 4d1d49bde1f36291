#!/usr/bin/env python3
"""Quality against training time: the measures of evaluate.py for each checkpoint of several trainings.

The trainings, with the paper's settings and with ours, use the same pairs. They take turns, so that the load
of the machine meets all of them; only its own turns count as a training's time. Each checkpoint is copied.
At the end, or after Ctrl-C, the copies are evaluated on frames of the clip that no training has used.
"""

import argparse
import contextlib
import importlib.util
import json
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
if not __package__:  # run as a script: its own folder is first on the path, not the project's
    sys.path[0] = str(ROOT)

from benchmarks import machine
from face2face import cli
from face2face.evaluation.results import FIGURES
from face2face.target.plate import PLATE_NAME

MEASURES = {"l1": 0, "ssim": 1, "nme": 0, "sharpness": 1, "identity_median": 0}
"""Keys of `results.FIGURES["self"]`, each with the best value: the nearer to it, the better."""

PAPER = "--paper"
WITH_DROPOUT = ", dropout in inference, too"
POLL_SECONDS = 0.2


class Training:
    """A training in a process of its own, which computes only in its turns.

    Attributes:
        settings: Options of the trainer in which the trainings differ.
        seconds: Duration of its turns so far.
        saved: Seconds that the training had taken when it saved a step, by step.
    """

    def __init__(self, settings: str, common: list[str], folder: Path):
        """Make the folder; the process starts in the first turn.

        Args:
            settings: Options of the trainer in which the trainings differ.
            common: Options that all trainings have.
            folder: A new folder for the model and the copies.
        """
        self.settings, self.seconds, self.saved = settings, 0.0, {}
        self._folder, self._model = folder, folder / "model"
        folder.mkdir(parents=True)
        script = [sys.executable, str(ROOT / "pix2pix" / "pix2pix.py"), "--mode", "train"]
        self._command = [*script, "--output_dir", str(self._model), *shlex.split(settings), *common]
        self._process = None

    def turn(self, seconds: float) -> None:
        """Compute for some seconds, or to the end.

        Raises:
            UserError: If the training fails.
        """
        if self._process is None:
            print(f"$ {shlex.join(self._command)}", flush=True)
            with (self._folder / "log.txt").open("w") as log:
                self._process = subprocess.Popen(self._command, stdout=log, stderr=subprocess.STDOUT)
        self._process.send_signal(signal.SIGCONT)
        before, began = self.seconds, time.monotonic()
        while self.seconds - before < seconds and not self.is_over:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(POLL_SECONDS)
            self.seconds = before + time.monotonic() - began
            self._keep()
        if not self.is_over:
            self._process.send_signal(signal.SIGSTOP)
        elif self._process.returncode:
            raise cli.UserError(f"the training '{self.settings}' has failed: see {self._folder / 'log.txt'}")

    @property
    def is_over(self) -> bool:
        return self._process is not None and self._process.poll() is not None

    def copy_of(self, step: int) -> Path:
        return self._folder / str(step)

    def close(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def _keep(self) -> None:
        """Copy new checkpoints. A checkpoint is complete when the list of checkpoints names it."""
        listed = self._model / "checkpoint"
        text = listed.read_text() if listed.is_file() else ""
        steps = {int(path.stem.split("-")[1]) for path in self._model.glob("ckpt-*.index")}
        for step in sorted(steps - self.saved.keys()):
            if f'"ckpt-{step}"' in text:
                self.saved[step] = self.seconds
                place = self.copy_of(step)
                place.mkdir()
                for pattern in (f"ckpt-{step}.*", "*.json", PLATE_NAME):
                    for file in self._model.glob(pattern):
                        shutil.copy(file, place)
                (place / "checkpoint").write_text(f'model_checkpoint_path: "ckpt-{step}"\n')


def train(trainings: list[Training], turn: float) -> None:
    """Run the trainings in turns of some seconds, until all have ended, or until Ctrl-C."""
    try:
        while not all(training.is_over for training in trainings):
            for training in trainings:
                if not training.is_over:
                    training.turn(turn)
            print(
                ", ".join(f"{t.settings}: step {max(t.saved, default=0)} saved" for t in trainings),
                flush=True,
            )
    except KeyboardInterrupt:
        print("stopped: judging what there is", file=sys.stderr)
    finally:
        for training in trainings:
            training.close()


def measure(args: argparse.Namespace, place: Path) -> dict[str, dict[str, float]]:
    """The measures of a copied checkpoint, by the way of inference.

    The generator of `--paper` is judged twice: without dropout, and with it, as the program of 2017 painted.
    """
    import freeze_model
    import reduce_model
    from face2face.evaluation.evaluation import evaluate_self
    from face2face.evaluation.identity import descriptors
    from face2face.evaluation.measures import Judge
    from face2face.evaluation.results import Evaluation
    from face2face.evaluation.target_frames import Clip, target_frames
    from face2face.face.landmarks import LandmarkDetector
    from face2face.generator.generator import Generator
    from pix2pix import checkpoints, inference, networks, options

    reduce_model.reduce(place, place / "reduced")
    generator = Generator(freeze_model.freeze(place / "reduced"))
    ways = {"": generator}
    opts = options.read(place, options.TRAINING)
    if opts.statistics == options.INSTANCE:
        trained = networks.generator_of(opts)
        checkpoints.restore_generator(trained, place)
        ways[WITH_DROPOUT] = inference.uint8_predictor(trained, training=True)
    judge = Judge(LandmarkDetector(args.landmark_model), descriptors())
    clip = Clip(args.target, args.start, args.end)
    frames = target_frames(clip, generator, judge.detector, args.frames)
    found = {}
    for way, paint in ways.items():
        result = Evaluation()
        evaluate_self(frames, generator.target, paint, judge, result)
        found[way] = {key: result.values["self"][key] for key in MEASURES}
    return found


def title(key: str) -> str:
    """What a measure is called for people."""
    return FIGURES["self"][key].title


def table(rows: list[dict]) -> str:
    titles = " | ".join(title(key) for key in MEASURES)
    lines = [f"| settings | step | minutes | {titles} |", "| --- " * (3 + len(MEASURES)) + "|"]
    for row in rows:
        values = " | ".join(f"{row[name]:.4g}" for name in MEASURES)
        lines.append(f"| `{row['settings']}` | {row['step']} | {row['seconds'] / 60:.1f} | {values} |")
    return "\n".join(lines)


def verdicts(rows: list[dict]) -> Iterator[str]:
    """For each measure: in what share of the paper's time did ours reach the paper's last value?"""
    of_paper = [row for row in rows if row["settings"].startswith(PAPER)]
    paper = next(row for row in reversed(of_paper) if not row["settings"].endswith(WITH_DROPOUT))
    for settings in dict.fromkeys(row["settings"] for row in rows):
        ours = [row for row in rows if row["settings"] == settings]
        if not settings.startswith(PAPER):
            for name, best in MEASURES.items():
                wanted = abs(paper[name] - best)
                reached = next((row for row in ours if abs(row[name] - best) <= wanted), None)
                share = f"in {reached['seconds'] / paper['seconds']:.2f} of its time" if reached else "never"
                yield (
                    f"{settings}: {title(name)}: the paper's {paper[name]:.4g} after {paper['step']} steps, "
                    f"reached {share}"
                )


def plot(rows: list[dict], path: Path) -> None:
    """Draw a diagram per measure: minutes on the x axis, a line per training."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, diagrams = pyplot.subplots(1, len(MEASURES), figsize=(4 * len(MEASURES), 3.2))
    for name, diagram in zip(MEASURES, diagrams, strict=True):
        for settings in dict.fromkeys(row["settings"] for row in rows):
            own = [row for row in rows if row["settings"] == settings]
            diagram.plot([row["seconds"] / 60 for row in own], [row[name] for row in own], label=settings)
        diagram.set(title=title(name), xlabel="minutes")
    diagrams[0].legend()
    figure.tight_layout()
    figure.savefig(path)


def compare(args: argparse.Namespace) -> None:
    common = ["--input_dir", str(args.input_dir), "--save_freq", str(args.save_freq), "--val_freq", "0"]
    load = machine.load()
    all_settings = [f"{PAPER} --max_steps {args.paper_steps}", *args.settings]
    trainings = [
        Training(settings, common, args.output_dir / str(number))
        for number, settings in enumerate(all_settings)
    ]
    train(trainings, args.turn)
    rows = []
    for training in trainings:
        for step, seconds in training.saved.items():
            row = {"settings": training.settings, "step": step, "seconds": seconds}
            place = training.copy_of(step)
            for way, measures in measure(args, place).items():
                rows.append(row | {"settings": training.settings + way} | measures)
            for file in place.glob("ckpt-*"):  # the frozen model beside them is enough
                file.unlink()
    (args.output_dir / "time_to_quality.json").write_text(json.dumps(rows, indent=2) + "\n")
    plot(rows, args.output_dir / "time_to_quality.png")
    print(table(rows), *verdicts(rows), f"{machine.describe()}, load before {load:.1f}", sep="\n")


def parse_args(argv=None) -> argparse.Namespace:
    parser = cli.ArgumentParser(description=__doc__)
    parser.add_argument("--input_dir", type=Path, required=True, help="the training pairs")
    parser.add_argument("--target", required=True, help="the clip that the pairs come from")
    parser.add_argument("--start", type=cli.non_negative_float, default=0.0, help="second to judge from")
    parser.add_argument("--end", type=cli.non_negative_float, help="second to judge to")
    parser.add_argument("--frames", type=cli.positive_int, default=100, help="to judge on, spread evenly")
    parser.add_argument("--paper_steps", type=cli.positive_int, default=6000, help="of the paper's settings")
    parser.add_argument(
        "--settings",
        nargs="+",
        default=["--max_steps 4500"],
        help="of ours: options of the trainer, those of a training in one argument",
    )
    parser.add_argument("--turn", type=cli.positive_int, default=60, help="seconds")
    parser.add_argument("--save_freq", type=cli.positive_int, default=500, help="steps between judgements")
    parser.add_argument("--landmark-model", type=Path, help="dlib's model (default: the installed one)")
    parser.add_argument("--output-dir", type=Path, default=Path("time-to-quality"), help="for all of it")
    return parser.parse_args(argv)


def main(argv=None) -> None:
    args = parse_args(argv)
    cli.existing_dir(args.input_dir, "--input_dir")
    cli.existing_file(args.target, "--target")
    if args.output_dir.exists():
        raise cli.UserError(f"expected a new --output-dir, got one that exists: {args.output_dir}")
    if importlib.util.find_spec("matplotlib") is None:
        raise cli.UserError("the plot needs matplotlib: python -m pip install -r requirements-dev.txt")
    if sys.platform == "win32":
        raise cli.UserError("this needs a Linux or macOS, which can let a process rest")
    if args.landmark_model is None:
        from face2face.face.landmarks import default_landmark_model

        args.landmark_model = default_landmark_model()
    compare(args)


if __name__ == "__main__":
    cli.run(main)
