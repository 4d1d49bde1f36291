"""Validation: measures on pairs that are not trained on. The weights that validated best are kept."""

import csv
import io
import math
import os
from dataclasses import astuple, fields
from pathlib import Path

import keras
import numpy as np

from face2face import cli, files, metrics
from face2face.metrics import Measures
from face2face.sampling import spread_indices
from pix2pix import dataset, images, inference
from pix2pix.checkpoints import Best
from pix2pix.options import Options

HISTORY = "history.csv"

MAX_PAIRS = 64
"""Largest number of pairs that are measured, spread evenly: enough for a comparison in a short time."""


def default_dir(input_dir: Path) -> Path | None:
    """The folder `val` next to a folder `train`; None if there is none."""
    sibling = input_dir.absolute().parent / "val"
    return sibling if input_dir.absolute().name == "train" and sibling.is_dir() else None


class Validation:
    """Measures the generator that would be exported, on the same pairs each time.

    The measures are kept in `history.csv`, where a resumed training finds its best so far.
    """

    def __init__(
        self, generator: keras.Model, pairs: list[Path], opts: Options, folder: Path, first_step: int
    ) -> None:
        """Read the pairs and the history.

        Args:
            generator: The network to measure.
            pairs: Files of the validation pairs.
            opts: The options of the training.
            folder: The training folder.
            first_step: The step that the training begins with; later entries of the history are dropped.

        Raises:
            UserError: If the history, or the list of the best weights, is damaged.
        """
        count = min(MAX_PAIRS, len(pairs))
        chosen = [pairs[index] for index in spread_indices(len(pairs), count)]
        self.pairs = [dataset.read_normalised(path, opts) for path in chosen]
        self._generator, self._opts = generator, opts
        self._run = inference.predictor(generator)
        self._best, self._path = Best(folder), folder / HISTORY
        self.history = {step: m for step, m in _read(self._path).items() if step <= first_step}

    def measure(self) -> Measures:
        """Measure the generator now: means over all pairs."""
        return metrics.mean([self._compare(*pair) for pair in self.pairs])

    def _compare(self, inputs: np.ndarray, targets: np.ndarray) -> Measures:
        return metrics.compare(*inference.to_pictures(self._opts, inputs, self._run(inputs), targets)[1:])

    def __call__(self, step: int) -> Measures:
        """Measure after a step, add it to the history, and save the weights if they are the best so far."""
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
        """The step with the highest SSIM; the first of equal ones."""
        return max(self.history, key=lambda step: (self.history[step].ssim, -step))

    def validations_since_best(self) -> int:
        """Number of validations since the best one."""
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
        # The PSNR of two equal pictures is infinite.
        if step < 0 or not math.isfinite(measures.l1 + measures.ssim) or math.isnan(measures.psnr):
            raise cli.UserError(f"expected finite measures of steps, got others for step {step}: {path}")
    return history


def sample(
    opts: Options, inputs: np.ndarray, outputs: np.ndarray, targets: np.ndarray
) -> dict[str, np.ndarray]:
    """Convert a training's arrays, (S, S, C) each, to pictures by kind, uint8 (H, W, 3), RGB."""
    converted = zip(inference.KINDS, inference.to_pictures(opts, inputs, outputs, targets), strict=True)
    return {kind: images.stretch(picture, opts.aspect_ratio) for kind, picture in converted}
