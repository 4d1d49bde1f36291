#!/usr/bin/env python3
"""Images per second in training, by precision and batch, beside plain PyTorch: all in one run, in turns."""

import argparse
import statistics
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

if not __package__:  # run as a script: its own folder is first on the path, not the project's
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from face2face import cli
from pix2pix.options import PRECISIONS, Options

OTHER_SIDE = Path(__file__).with_name("torch_training.py")


class Torch:
    """The other side, in a process of its own."""

    def __init__(self, python: str, ngf: int, ndf: int):
        """Raises: UserError if it does not start."""
        command = [python, str(OTHER_SIDE), "--ngf", str(ngf), "--ndf", str(ndf)]
        pipes = {name: subprocess.PIPE for name in ("stdin", "stdout", "stderr")}
        self._process = subprocess.Popen(command, text=True, **pipes)
        if self._process.stdout.readline() != "ready\n":
            reason = (self._process.stderr.read().splitlines() or ["no answer"])[-1]
            raise cli.UserError(
                f"expected --torch-python to run PyTorch, got {python} ({reason}); "
                "make an environment, and `pip install torch==2.13.0` into it"
            )

    def seconds(self, batch: int, precision: str, steps: int) -> float:
        self._process.stdin.write(f"{batch} {precision} {steps}\n")
        self._process.stdin.flush()
        return float(self._process.stdout.readline())

    def close(self) -> None:
        self._process.stdin.close()
        self._process.wait()


def our_steps(opts: Options) -> Callable[[int], float]:
    """A function that trains some steps and returns the seconds."""
    import time

    import tensorflow as tf

    from pix2pix.trainer import Trainer

    trainer = Trainer(opts)
    shape = (opts.batch_size, opts.image_size, opts.image_size, 3)
    pair = [tf.random.uniform(shape, -1, 1, seed=seed) for seed in (1, 2)]

    def run(steps: int) -> float:
        began = time.perf_counter()
        for _ in range(steps):
            float(trainer.train_step(*pair)[0]["l1"])
        return time.perf_counter() - began

    return run


def compare(args: argparse.Namespace) -> str:
    """A table: images/s of each side, and the ratio to PyTorch in float32 at the same batch."""
    other = Torch(args.torch_python, args.ngf, args.ndf)
    cli.load_tensorflow()
    from pix2pix import precision

    precisions = args.precisions or precision.candidates()
    runs: dict[tuple[str, int], Callable[[int], float]] = {}
    for batch in args.batches:
        for name in precisions:
            opts = Options(ngf=args.ngf, ndf=args.ndf, batch_size=batch, precision=name, ema=False, seed=1)
            runs[f"ours, {name}", batch] = our_steps(opts)
        for name in ("float32", "mixed_bfloat16"):
            runs[f"PyTorch, {name}", batch] = lambda n, batch=batch, name=name: other.seconds(batch, name, n)
    rates: dict[tuple[str, int], list[float]] = {key: [] for key in runs}
    with cli.progress((args.rounds + 1) * len(runs), "measuring", "turns") as bar:
        for turn in range(args.rounds + 1):
            for (name, batch), run in runs.items():
                seconds = run(args.steps)
                if turn:  # the first one traces, and warms up
                    rates[name, batch].append(args.steps * batch / seconds)
                bar.update()
    other.close()
    lines = ["| trainer | batch | images/s | against PyTorch float32 |", "| --- | --- | --- | --- |"]
    for (name, batch), found in rates.items():
        base = rates["PyTorch, float32", batch]
        ratio = statistics.median(a / b for a, b in zip(found, base, strict=True))
        lines.append(f"| {name} | {batch} | {statistics.median(found):.2f} | {ratio:.2f} |")
    return "\n".join(lines)


def parse_args(argv=None) -> argparse.Namespace:
    parser = cli.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--torch-python", default=sys.executable, help="the Python of an environment with torch 2.13"
    )
    parser.add_argument(
        "--batches", type=cli.positive_int, nargs="+", default=[1, 4], help="pairs per step, each is measured"
    )
    parser.add_argument(
        "--precisions",
        choices=PRECISIONS[:-1],
        nargs="+",
        help="of ours (default: float32, and what the machine computes natively)",
    )
    parser.add_argument("--ngf", type=cli.positive_int, default=64, help="generator filters, first layer")
    parser.add_argument("--ndf", type=cli.positive_int, default=64, help="discriminator filters, first layer")
    parser.add_argument("--steps", type=cli.positive_int, default=5, help="of each side in a turn")
    parser.add_argument("--rounds", type=cli.positive_int, default=7, help="turns, whose median counts")
    return parser.parse_args(argv)


def main(argv=None) -> None:
    print(compare(parse_args(argv)))


if __name__ == "__main__":
    cli.run(main)
