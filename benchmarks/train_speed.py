#!/usr/bin/env python3
"""Images per second in training, by precision and batch, beside plain PyTorch: in one run, in turns.

Each contestant is a process of its own. The contestants of a batch size take turns, so that the load of the
machine meets all of them. Only the ratios are comparable between runs.
"""

import argparse
import functools
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

if not __package__:  # run as a script: its own folder is first on the path, not the project's
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from benchmarks import machine
from face2face import cli, loading
from pix2pix.options import MOVING, PRECISIONS, Options

TORCH_TRAINING = Path(__file__).with_name("torch_training.py")
BASE = "PyTorch, float32"

ENVIRONMENT = {
    # Without it PyTorch's threads spin while they wait. On a busy machine that takes several times as long,
    # and the comparison would be unfair, because TensorFlow's threads sleep.
    "OMP_WAIT_POLICY": "passive",
    # Without it TensorFlow reserves all of a GPU's memory, and the other contestants get none.
    "TF_FORCE_GPU_ALLOW_GROWTH": "true",
}


class Contestant:
    """A trainer in a process of its own, which answers "BATCH PRECISION STEPS" by the seconds they took.

    Attributes:
        name: The library and the device that it computes with.
    """

    def __init__(self, command: list, precision: str, batch: int):
        """Start the process.

        Raises:
            UserError: If it does not start.
        """
        self._work = f"{batch} {precision}"
        pipes = {pipe: subprocess.PIPE for pipe in ("stdin", "stdout", "stderr")}
        words = [str(word) for word in command]
        self._process = subprocess.Popen(words, text=True, env=ENVIRONMENT | os.environ, **pipes)
        self.name = self._answer()

    def seconds(self, steps: int) -> float:
        self._process.stdin.write(f"{self._work} {steps}\n")
        self._process.stdin.flush()
        return float(self._answer())

    def _answer(self) -> str:
        if line := self._process.stdout.readline():
            return line.strip()
        reason = (self._process.stderr.read().splitlines() or ["it said nothing"])[-1]
        raise cli.UserError(f"a contestant has ended, {self._process.args[0]}: {reason}")

    def close(self) -> None:
        self._process.terminate()
        self._process.communicate()


def serve(ngf: int, ndf: int) -> None:
    """Answer requests on standard input, as our contestant."""
    loading.load_tensorflow()
    import tensorflow as tf

    from pix2pix import distribution

    steps_of = functools.cache(lambda batch, precision: _our_steps(ngf, ndf, batch, precision))
    print(f"TensorFlow {tf.__version__} on {distribution.describe(tf.distribute.get_strategy())}", flush=True)
    for line in sys.stdin:
        batch, precision, steps = line.split()
        print(steps_of(int(batch), precision)(int(steps)), flush=True)


def our_options(ngf: int, ndf: int, batch: int, precision: str) -> Options:
    """The networks (batch norm) and losses (L1 and GAN) of torch_training.py, as options of our trainer."""
    networks = {"ngf": ngf, "ndf": ndf, "statistics": MOVING}
    losses = {"ssim_weight": 0.0, "face_weight": 0.0}
    return Options(**networks, **losses, batch_size=batch, precision=precision, seed=1)


def _our_steps(ngf: int, ndf: int, batch: int, precision: str) -> Callable[[int], float]:
    """A function that trains some steps with the options above and returns the seconds."""
    import tensorflow as tf

    from pix2pix.trainer import Trainer

    trainer = Trainer(our_options(ngf, ndf, batch, precision))
    shape = (batch, trainer.options.image_size, trainer.options.image_size, 3)
    pair = [tf.random.uniform(shape, -1, 1, seed=seed) for seed in (1, 2)]
    done = 0

    def run(steps: int) -> float:
        nonlocal done
        began = time.perf_counter()
        for _ in range(steps):
            float(trainer.train_step(*pair)[0]["l1"])
            done += 1
            trainer.update_ema(done)
        return time.perf_counter() - began

    return run


def compare(args: argparse.Namespace) -> str:
    """Measure all contestants; return the table and a description of the machine."""
    load = machine.load()
    sizes = ["--ngf", args.ngf, "--ndf", args.ndf]
    theirs = [args.torch_python, TORCH_TRAINING, *sizes]
    try:
        Contestant(theirs, "float32", 1).close()
    except (cli.UserError, OSError) as error:
        raise cli.UserError(
            f"expected --torch-python of an environment with PyTorch (`pip install torch==2.13.0`), "
            f"got {args.torch_python}: {error}"
        ) from None
    ours = [sys.executable, __file__, "--contestant", *sizes]
    loading.load_tensorflow()
    from pix2pix import precision

    commands = {f"ours, {name}": (ours, name) for name in args.precisions or precision.candidates()}
    commands |= {f"PyTorch, {name}": (theirs, name) for name in ("float32", "mixed_bfloat16")}
    rates, computing = {}, {}
    with cli.progress((args.rounds + 1) * len(commands) * len(args.batches), "measuring", "turns") as bar:
        for batch in args.batches:
            contestants: dict[str, Contestant] = {}
            try:
                for name, (command, of_products) in commands.items():
                    contestants[name] = Contestant(command, of_products, batch)
                    computing[contestants[name].name] = None  # a set in order
                rates[batch] = take_turns(contestants, batch, args.steps, args.rounds, bar.update)
            finally:
                for contestant in contestants.values():
                    contestant.close()
    return (
        f"{table(rates)}\n\n{machine.describe()}, load before {load:.1f}; {'; '.join(computing)}; "
        f"ngf {args.ngf}, ndf {args.ndf}; medians of {args.rounds} turns of {args.steps} steps"
    )


def take_turns(
    contestants: dict[str, Contestant], batch: int, steps: int, rounds: int, note: Callable[[], object]
) -> dict[str, list[float]]:
    """Measure the images per second of each contestant in each round."""
    rates: dict[str, list[float]] = {name: [] for name in contestants}
    for turn in range(rounds + 1):
        for name, contestant in contestants.items():
            seconds = contestant.seconds(steps)
            if turn:  # the first round traces and warms up
                rates[name].append(steps * batch / seconds)
            note()
    return rates


def table(rates: dict[int, dict[str, list[float]]]) -> str:
    """A Markdown table by batch size and contestant. Ratios are medians over the rounds."""
    lines = ["| trainer | batch | times PyTorch float32 | images/s |", "| --- | ---: | ---: | ---: |"]
    for batch, of_batch in rates.items():
        for name, found in of_batch.items():
            ratio = statistics.median(a / b for a, b in zip(found, of_batch[BASE], strict=True))
            lines.append(f"| {name} | {batch} | **{ratio:.2f}** | {statistics.median(found):.2f} |")
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
    parser.add_argument("--steps", type=cli.positive_int, default=5, help="of each contestant in a turn")
    parser.add_argument("--rounds", type=cli.positive_int, default=7, help="turns, whose median counts")
    parser.add_argument("--contestant", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args(argv)


def main(argv=None) -> None:
    args = parse_args(argv)
    if args.contestant:
        serve(args.ngf, args.ndf)
    else:
        print(compare(args))


if __name__ == "__main__":
    cli.run(main)
