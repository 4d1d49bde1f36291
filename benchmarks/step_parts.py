#!/usr/bin/env python3
"""What the trainer's own layers and optimiser gain over Keras's, measured in one run, in turns.

The trainer has its own Adam, batch norm and convolutions for small feature maps. Each contestant is the
trainer with one of them replaced by Keras's; its ratio is the duration of its step by that of ours.
"""

import argparse
import contextlib
import statistics
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

if not __package__:  # run as a script: its own folder is first on the path, not the project's
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from benchmarks import machine
from face2face import cli, loading
from pix2pix.options import PRECISIONS, Options

CONVOLUTIONS, BATCH_NORM, ADAM = "Keras's convolutions", "Keras's batch norm", "Keras's Adam"
CONTESTANTS = {
    "ours": (),
    CONVOLUTIONS: (CONVOLUTIONS,),
    BATCH_NORM: (BATCH_NORM,),
    ADAM: (ADAM,),
    "Keras's, all three": (CONVOLUTIONS, BATCH_NORM, ADAM),
}
"""The parts that are Keras's, by the contestant's name."""


@contextlib.contextmanager
def keras_parts(parts: tuple[str, ...]) -> Iterator[None]:
    """Trainers that are made within this context take these parts from Keras."""
    import keras

    from pix2pix import networks, trainer

    class KerasAdam:
        """Keras's optimiser with the interface of ours."""

        variables = ()

        def __init__(self, variables: dict, beta1: float, beta2: float, scaled: bool, lr_factors: dict):
            self._variables = list(variables.values())
            self._adam = keras.optimizers.Adam(Options().lr, beta_1=beta1, beta_2=beta2)
            self._adam.build(self._variables)

        def scaled(self, loss):
            return loss

        def step(self, tape, loss, lr) -> None:
            self._adam.apply(tape.gradient(loss, [v.value for v in self._variables]), self._variables)

    def keras_variables(network) -> dict:
        return {variable.path: variable for variable in network.trainable_variables}

    with contextlib.ExitStack() as stack:
        if CONVOLUTIONS in parts:
            stack.enter_context(mock.patch.object(networks, "IM2COL_MAX_SIDE", 0))
        if BATCH_NORM in parts:
            stack.enter_context(mock.patch.object(networks, "BatchNorm", keras.layers.BatchNormalization))
        if ADAM in parts:
            stack.enter_context(mock.patch.object(trainer, "Adam", KerasAdam))
            stack.enter_context(mock.patch.object(trainer, "named_trainable_variables", keras_variables))
        yield


def compare(opts: Options, steps: int, rounds: int) -> dict[str, list[float]]:
    """Measure the seconds that each contestant takes in each round of `steps` training steps."""
    loading.load_tensorflow()
    import tensorflow as tf

    from pix2pix.trainer import Trainer

    shape = (opts.batch_size, opts.image_size, opts.image_size, 3)
    pair = [tf.random.uniform(shape, -1, 1, seed=seed) for seed in (1, 2)]
    trainers = {}
    for name, parts in CONTESTANTS.items():
        with keras_parts(parts):
            trainers[name] = Trainer(opts)
            trainers[name].train_step(*pair)  # the first step traces
    seconds: dict[str, list[float]] = {name: [] for name in trainers}
    with cli.progress(rounds * len(trainers), "measuring", "turns") as bar:
        for turn in range(rounds):
            names = list(trainers)
            for name in names[turn % len(names) :] + names[: turn % len(names)]:
                began = time.perf_counter()
                for _ in range(steps):
                    float(trainers[name].train_step(*pair)[0]["l1"])
                seconds[name].append(time.perf_counter() - began)
                bar.update()
    return seconds


def table(seconds: dict[str, list[float]], steps: int) -> str:
    """A Markdown table, a row per contestant. Its ratio is the median over the rounds."""
    lines = ["| | times our step | milliseconds a step |", "| --- | ---: | ---: |"]
    for name, found in seconds.items():
        ratio = statistics.median(a / b for a, b in zip(found, seconds["ours"], strict=True))
        lines.append(f"| {name} | **{ratio:.2f}** | {1000 * statistics.median(found) / steps:.0f} |")
    return "\n".join(lines)


def parse_args(argv=None) -> argparse.Namespace:
    parser = cli.ArgumentParser(description=__doc__)
    parser.add_argument("--ngf", type=cli.positive_int, default=Options.ngf, help="filters of both networks")
    parser.add_argument("--precision", choices=PRECISIONS[:-1], default="mixed_bfloat16", help="of products")
    parser.add_argument("--steps", type=cli.positive_int, default=3, help="of each contestant in a turn")
    parser.add_argument("--rounds", type=cli.positive_int, default=25, help="turns, whose median counts")
    return parser.parse_args(argv)


def main(argv=None) -> None:
    args = parse_args(argv)
    opts = Options(ngf=args.ngf, ndf=args.ngf, precision=args.precision, seed=1)
    print(table(compare(opts, args.steps, args.rounds), args.steps))
    print(f"\n{machine.describe()}; ngf {args.ngf}, {args.precision}")


if __name__ == "__main__":
    cli.run(main)
