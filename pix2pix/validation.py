"""Validation: measures on pairs that are not trained on. The weights that validated best are kept."""

import csv
import hashlib
import io
import math
import os
from dataclasses import astuple, fields
from pathlib import Path
from typing import Annotated

import keras
import msgspec
import numpy as np

from face2face import cli, files, metrics, records
from face2face.metrics import Measures
from face2face.sampling import spread_indices
from face2face.target import target_file
from pix2pix import dataset, images, inference
from pix2pix.checkpoints import Best
from pix2pix.options import Options

HISTORY = "history.csv"

MEASURED_PAIRS = "validation.json"
"""The file beside the history that tells which pairs it was measured on."""

MAX_PAIRS = 64
"""Largest number of pairs that are measured, spread evenly: enough for a comparison in a short time."""


class _MeasuredPairs(msgspec.Struct):
    """The content of `MEASURED_PAIRS`.

    Attributes:
        pairs: Digest of the pairs that are measured.
        since: The step after which the history was measured on them; earlier rows are of other pairs.
    """

    pairs: Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}$")]
    since: Annotated[int, msgspec.Meta(ge=0)]


def default_dir(input_dir: Path) -> Path | None:
    """The folder `val` next to a folder `train`; None if there is none."""
    sibling = input_dir.absolute().parent / "val"
    return sibling if input_dir.absolute().name == "train" and sibling.is_dir() else None


class Validation:
    """Measures the generator that would be exported, on the same pairs each time.

    The measures are kept in `history.csv`, where a resumed training finds its best so far. Measures of other
    pairs tell nothing of these: they stay in the history, but the best is searched for among later ones.
    """

    def __init__(
        self, generator: keras.Model, pairs: list[Path], opts: Options, folder: Path, first_step: int
    ) -> None:
        """Read the pairs and the history.

        Args:
            generator: The network to measure.
            pairs: Files of the validation pairs, of one folder.
            opts: The options of the training.
            folder: The training folder, with its target.
            first_step: The step that the training begins with; later entries of the history are dropped.

        Raises:
            UserError: If the history, the record of its pairs, or the list of the best weights is damaged.
        """
        count = min(MAX_PAIRS, len(pairs))
        chosen = [pairs[index] for index in spread_indices(len(pairs), count)]
        to_draw = dataset.landmarks_without_irises(pairs[0].parent, target_file.read_target(folder), opts)
        self.pairs = [dataset.read_normalised(path, opts, to_draw) for path in chosen]
        self._generator, self._opts = generator, opts
        self._run = inference.predictor(generator)
        self._best, self._path = Best(folder), folder / HISTORY
        self.history = {step: m for step, m in _read(self._path).items() if step <= first_step}
        self._measured_path = folder / MEASURED_PAIRS
        before, digest = _read_measured_pairs(self._measured_path), _digest(self.pairs)
        # An older version's history has no such record: its pairs are taken for the same.
        self._measured = _MeasuredPairs(digest, min(before.since, first_step) if before else 0)
        if before and before.pairs != digest:
            if self._comparable():
                cli.warn(
                    f"other validation pairs than up to step {max(self.history)}: {HISTORY} keeps what was "
                    "measured on those, and the best weights begin anew"
                )
            self._measured.since = first_step

    def _comparable(self) -> dict[int, Measures]:
        """The part of the history that was measured on the present pairs."""
        return {step: m for step, m in self.history.items() if step > self._measured.since}

    def measure(self) -> Measures:
        """Measure the generator now: means over all pairs."""
        return metrics.mean([self._compare(*pair) for pair in self.pairs])

    def _compare(self, inputs: np.ndarray, targets: np.ndarray) -> Measures:
        return metrics.compare(*inference.to_pictures(self._opts, inputs, self._run(inputs), targets)[1:])

    def __call__(self, step: int) -> Measures:
        """Measure after a step, add it to the history, and save the weights if they are the best so far."""
        measures = self.measure()
        files.write_text(self._measured_path, records.encode(self._measured), _is_record_of_pairs)
        if all(measures.ssim > other.ssim for at, other in self._comparable().items() if at != step):
            self._best.save(self._generator, step)
        self.history[step] = measures
        text = io.StringIO()
        rows = csv.writer(text)
        rows.writerow(["step", *(field.name for field in fields(Measures))])
        rows.writerows([at, *astuple(m)] for at, m in sorted(self.history.items()))
        files.write_text(self._path, text.getvalue(), is_ours)
        return measures

    def best_step(self) -> int:
        """The step with the highest SSIM on the present pairs; the first of equal ones."""
        return max(self._comparable(), key=lambda step: (self.history[step].ssim, -step))

    def validations_since_best(self) -> int:
        """Number of validations since the best one."""
        return sum(step > self.best_step() for step in self._comparable())


def check_outputs(folder: Path) -> None:
    """Raise `UserError` if what a validation writes into a training folder would replace what is not ours."""
    files.check_replaceable(folder / HISTORY, is_ours)
    files.check_replaceable(folder / MEASURED_PAIRS, _is_record_of_pairs)


def is_ours(path: Path) -> bool:
    """Whether a file is a history of this trainer."""
    try:
        return bool(_read(path))
    except (OSError, cli.UserError):
        return False


def _is_record_of_pairs(path: Path) -> bool:
    try:
        return _read_measured_pairs(path) is not None
    except (OSError, cli.UserError):
        return False


def _read_measured_pairs(path: Path) -> _MeasuredPairs | None:
    if not os.path.lexists(path):
        return None
    return records.read(path, _MeasuredPairs, "the trainer's record of its validation pairs")


def _digest(pairs: list[tuple[np.ndarray, np.ndarray]]) -> str:
    """A digest of normalised pairs, whatever their order: of their levels, which no rounding changes."""
    levels = (b"".join(images.denormalise(half).tobytes() for half in pair) for pair in pairs)
    each = sorted(hashlib.sha256(pair).digest() for pair in levels)
    return hashlib.sha256(b"".join(each)).hexdigest()


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
