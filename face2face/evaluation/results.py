"""The results of an evaluation: figures, with keys for programs and titles for people, and strips."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from face2face.evaluation.following import GAZES, MOTIONS


@dataclass(frozen=True)
class Figure:
    """What a figure is called for people.

    Attributes:
        sentence: What was measured.
        unit: Of the value; "" for a count, a ratio or a correlation.
        best: The farther from it, the worse; None where a value is neither good nor bad.
    """

    sentence: str
    unit: str = ""
    best: float | None = None

    @property
    def title(self) -> str:
        """The sentence with its unit."""
        return f"{self.sentence} ({self.unit})" if self.unit else self.sentence


OPENING_SECONDS = 3.0
"""How long a driver's clip opens, from his first face on: his face at rest may not be known yet."""

_OPENING = f"first {OPENING_SECONDS:g} seconds"
_INTEROCULAR = "interocular distances"
_PERCENT_INTEROCULAR = "% of the interocular distance"
_DESCRIPTOR = "descriptor distance"
_COSINE = "cosine distance"
_EXPECTED = "identity of the true face in such expressions, estimated"
_OF_SKIN = "% of the skin"
_STRENGTH = "1: none"
_LINES = "lines every 2 pixels"
_SQUARES = "squares of 4, 8 or 16 pixels"

_FOLLOWED = {name: said for name, (_, said) in MOTIONS.items()} | GAZES

FIGURES: dict[str, dict[str, Figure]] = {
    "self": {
        "frames": Figure("frames"),
        "l1": Figure("L1", "of 255"),
        "psnr": Figure("PSNR", "dB"),
        "ssim": Figure("SSIM"),
        "psnr_face": Figure("PSNR inside the face", "dB"),
        "ssim_face": Figure("SSIM inside the face"),
        "l1_eyes": Figure("L1 of the eyes", "of 255"),
        "l1_mouth": Figure("L1 of the mouth", "of 255"),
        "stains": Figure("stains, mean", _OF_SKIN),
        "stains_true": Figure("stains of the true frames, mean", _OF_SKIN),
        "dark_specks": Figure("dark specks, mean", _OF_SKIN),
        "dark_specks_true": Figure("dark specks of the true frames, mean", _OF_SKIN),
        "lines": Figure(_LINES, _STRENGTH),
        "lines_true": Figure(f"{_LINES}, of the true frames", _STRENGTH),
        "squares": Figure(_SQUARES, _STRENGTH),
        "squares_true": Figure(f"{_SQUARES}, of the true frames", _STRENGTH),
        "nme": Figure("NME of the landmarks", _INTEROCULAR),
        "identity_median": Figure("identity, median", _DESCRIPTOR),
        "identity_true_median": Figure("identity of the true frames, median", _DESCRIPTOR),
        "identity_sface_median": Figure("identity by SFace, median", _COSINE),
        "identity_sface_true_median": Figure("identity of the true frames by SFace, median", _COSINE),
        "sharpness": Figure("sharpness, relative to the true frames"),
        **{
            f"{name}_correlation": Figure(f"correlation of {said} with the true frames'")
            for name, said in GAZES.items()
        },
        **{
            f"{name}_gain": Figure(f"spread of {said}, relative to the true frames'")
            for name, said in GAZES.items()
        },
    },
    "cross": {
        "frames": Figure("frames with a driver's face"),
        "faces_found": Figure("share of generated pictures in which a face is detected", best=1),
        "identity_median": Figure("identity, median", _DESCRIPTOR, best=0),
        "identity_p90": Figure("identity, 90th percentile", _DESCRIPTOR, best=0),
        "identity_first": Figure("identity of the first picture", _DESCRIPTOR, best=0),
        "identity_opening_median": Figure(f"identity, median of the {_OPENING}", _DESCRIPTOR, best=0),
        "identity_expected_median": Figure(f"{_EXPECTED}, median", _DESCRIPTOR),
        "identity_expected_p90": Figure(f"{_EXPECTED}, 90th percentile", _DESCRIPTOR),
        "identity_sface_median": Figure("identity by SFace, median", _COSINE, best=0),
        "identity_sface_p90": Figure("identity by SFace, 90th percentile", _COSINE, best=0),
        "stains": Figure("stains, mean", _OF_SKIN, best=0),
        "stains_p90": Figure("stains, 90th percentile", _OF_SKIN, best=0),
        "dark_specks": Figure("dark specks, mean", _OF_SKIN, best=0),
        "dark_specks_p90": Figure("dark specks, 90th percentile", _OF_SKIN, best=0),
        "lines": Figure(_LINES, _STRENGTH, best=1),
        "squares": Figure(_SQUARES, _STRENGTH, best=1),
        "sharpness": Figure("sharpness, relative to the true frames", best=1),
        **{
            f"{name}_correlation": Figure(f"correlation of {said} with the driver's", best=1)
            for name, said in _FOLLOWED.items()
        },
        **{
            f"{name}_gain": Figure(f"spread of {said}, relative to the driver's", best=1)
            for name, said in _FOLLOWED.items()
        },
        "lag": Figure("lag behind the driver", "frames", best=0),
        "warping_error": Figure("warping error", "of 255", best=0),
        "pumping": Figure("change of the head's scale by itself", "%", best=0),
        "swim": Figure("motion of the head by itself", _PERCENT_INTEROCULAR, best=0),
        "pumping_painted": Figure("change of the head's scale that is not drawn", "%", best=0),
        "swim_painted": Figure("motion of the head that is not drawn", _PERCENT_INTEROCULAR, best=0),
    },
    "steady": {
        "flicker_cross": Figure("flicker outside the face, driven by another person", "of 255"),
        "flicker_self": Figure("flicker outside the face, driven by the target", "of 255"),
        "flicker_true": Figure("flicker outside the face, of the target's own frames", "of 255"),
        "warping_error_self": Figure("warping error, driven by the target", "of 255"),
        "warping_error_true": Figure("warping error of the target's own frames", "of 255"),
        "jitter_driver": Figure("jitter of a still driver's landmarks, not smoothed", _INTEROCULAR),
        "jitter_generated": Figure("jitter of the generated landmarks then", _INTEROCULAR),
    },
}
"""Section -> key -> figure. A key is snake case and stays: other programs read it."""

Values = dict[str, dict[str, float]]
"""Section -> key -> value, of the keys of `FIGURES`; NaN where there was nothing to measure."""


@dataclass(frozen=True)
class Strip:
    """A row of a page.

    Attributes:
        name: "self-frame number" or "cross-frame number", of the second driver "cross-2-frame number", ...
        pictures: uint8 (S, S, 3), RGB, by kind.
        measures: The figures of this row, as text.
        badness: Rows are sorted by it, the highest first.
    """

    name: str
    pictures: dict[str, np.ndarray]
    measures: str
    badness: float


@dataclass
class Evaluation:
    """The result of judging one generator.

    Attributes:
        values: section -> key -> value, of the keys of `FIGURES`; of several drivers, the median.
        drivers: Driver -> key -> value, of the keys of `FIGURES["cross"]`.
        strips: The rows of the pages.
        shortfalls: Why a clip had fewer frames than it should have had.
    """

    values: Values = field(default_factory=dict)
    drivers: Values = field(default_factory=dict)
    strips: list[Strip] = field(default_factory=list)
    shortfalls: list[str] = field(default_factory=list)


def _measured(values: Sequence[float]) -> list[float]:
    return [value for value in values if not np.isnan(value)]


def mean_or_nan(values: Sequence[float]) -> float:
    """The mean of the values that are not NaN; NaN if there is none."""
    measured = _measured(values)
    return float(np.mean(measured)) if measured else float("nan")


def percentile_or_nan(values: Sequence[float], percentage: float) -> float:
    """A percentile of the values that are not NaN, 50 for the median; NaN if there is none."""
    measured = _measured(values)
    return float(np.percentile(measured, percentage)) if measured else float("nan")


def as_json(values: Values) -> dict[str, dict[str, float | None]]:
    """Values for a JSON file, which has no NaN: None takes its place."""
    return {
        section: {key: None if np.isnan(value) else value for key, value in figures.items()}
        for section, figures in values.items()
    }


def table(models: Mapping[str, Values]) -> str:
    """The figures of some models side by side, as a Markdown table.

    Args:
        models: Each model's values by the model's name.
    """
    rows = ["| | " + " | ".join(models) + " |", "| --- |" + " --- |" * len(models)]
    for section, figures in FIGURES.items():
        for key, figure in figures.items():
            found = [values.get(section, {}).get(key) for values in models.values()]
            if any(value is not None for value in found):
                rows.append(f"| *{section}*: {figure.title} | {_cells(found)} |")
    return "\n".join(rows)


def _cells(values: Sequence[float | None]) -> str:
    return " | ".join("" if value is None else f"{value:.4g}" for value in values)


def median_of(drivers: Values) -> dict[str, float]:
    """The median of each figure over the drivers; NaN where no driver has it."""
    keys = next(iter(drivers.values()))
    return {key: percentile_or_nan([values[key] for values in drivers.values()], 50) for key in keys}


def worst_of(drivers: Values) -> dict[str, float]:
    """Of each figure with a best value, the drivers' value that is farthest from it; NaN if none has one."""
    worst = {}
    for key in next(iter(drivers.values())):
        best, measured = FIGURES["cross"][key].best, _measured([values[key] for values in drivers.values()])
        if best is not None:
            distances = [abs(value - best) for value in measured]
            worst[key] = measured[int(np.argmax(distances))] if measured else float("nan")
    return worst


def drivers_table(model: str, drivers: Values) -> str:
    """The figures of each driver, their median and the worst, as a Markdown table.

    Args:
        model: The name of the model.
        drivers: Its figures by the drivers' paths.
    """
    columns = drivers | {"median": median_of(drivers), "worst": worst_of(drivers)}
    rows = [f"| {model} | " + " | ".join(columns) + " |", "| --- |" + " --- |" * len(columns)]
    for key, figure in FIGURES["cross"].items():
        found = [values.get(key) for values in columns.values()]
        if any(value is not None for value in found):
            rows.append(f"| {figure.title} | {_cells(found)} |")
    return "\n".join(rows)
