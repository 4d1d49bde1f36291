"""What a training makes of pairs it does not see: measured now and then; the best weights are kept."""

import csv
import io
import math
import os
from dataclasses import astuple, fields
from pathlib import Path

from face2face import cli, files, metrics
from face2face.metrics import Measures
from pix2pix import dataset, images, inference
from pix2pix.checkpoints import Best
from pix2pix.options import Options

HISTORY = "history.csv"

MAX_PAIRS = 64
"""Of the validation pairs as many are looked at, spread evenly: enough to compare, and soon done."""


def default_dir(input_dir: Path) -> Path | None:
    """The `val` beside a `train`, if there is one."""
    beside = input_dir.absolute().parent / "val"
    return beside if input_dir.absolute().name == "train" and beside.is_dir() else None


class Validation:
    """Measures the generator that would be exported, on the same pairs each time.

    `history.csv` holds what was measured; it is also where a training that is resumed reads what its best
    was so far.
    """

    def __init__(self, generator, pairs: list[Path], opts: Options, folder: Path, first_step: int):
        """Raises: UserError if the history, or the list of the best weights, is damaged."""
        count = min(MAX_PAIRS, len(pairs))
        chosen = [pairs[int((i + 0.5) * len(pairs) / count)] for i in range(count)]
        self.pairs = [dataset.read_unit(path, opts) for path in chosen]
        self._generator, self._opts = generator, opts
        self._run = inference.runner(generator)
        self._best, self._path = Best(folder), folder / HISTORY
        self.history = {step: m for step, m in _read(self._path).items() if step <= first_step}

    def measure(self) -> Measures:
        return metrics.mean([self._compare(*pair) for pair in self.pairs])

    def _compare(self, inputs, targets) -> Measures:
        return metrics.compare(*inference.shown(self._opts, inputs, self._run(inputs), targets)[1:])

    def __call__(self, step: int) -> Measures:
        """Measure after a step, note it, and keep the weights if they are the best so far."""
        measures = self.measure()
        if all(measures.ssim > other.ssim for at, other in self.history.items() if at != step):
            self._best.save(self._generator, step)
        self.history[step] = measures
        text = io.StringIO()
        rows = csv.writer(text)
        rows.writerow(["step", *(field.name for field in fields(Measures))])
        rows.writerows([at, *astuple(m)] for at, m in sorted(self.history.items()))
        files.write_text(self._path, text.getvalue(), is_ours)
        return measures

    def best_step(self) -> int:
        return max(self.history, key=lambda step: (self.history[step].ssim, -step))

    def since_best(self) -> int:
        """How many validations in a row were no better than the best before them."""
        return sum(step > self.best_step() for step in self.history)


def is_ours(path: Path) -> bool:
    """Whether a file is a history of this trainer."""
    try:
        return bool(_read(path))
    except (OSError, cli.UserError):
        return False


def _read(path: Path) -> dict[int, Measures]:
    if not os.path.lexists(path):
        return {}
    try:
        with path.open(newline="") as file:
            history = {
                int(row["step"]): Measures(*(float(row[field.name]) for field in fields(Measures)))
                for row in csv.DictReader(file)
            }
    except (ValueError, KeyError, TypeError, csv.Error):
        raise cli.UserError(f"damaged, or not written by this trainer: {path}") from None
    for step, measures in history.items():
        # The PSNR of a picture that is painted exactly is infinite.
        if step < 0 or not math.isfinite(measures.l1 + measures.ssim) or math.isnan(measures.psnr):
            raise cli.UserError(f"expected finite measures of steps, got others for step {step}: {path}")
    return history


def sample(opts: Options, inputs, outputs, targets) -> dict:
    """A pair of a training as pictures by kind, uint8 (H, W, 3), RGB, in their aspect ratio."""
    shown = zip(inference.KINDS, inference.shown(opts, inputs, outputs, targets), strict=True)
    return {kind: images.stretch(picture, opts.aspect_ratio) for kind, picture in shown}
