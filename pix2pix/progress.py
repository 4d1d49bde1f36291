"""Lines about a training's progress: text above the progress bar, and the estimated duration."""

import sys

from tqdm import tqdm

LOSSES_EVERY = 10
"""Steps between two readings of the losses. Each reading makes the program wait for the device."""

WARM_UP_STEPS = 5
"""First steps of a run that are not timed: TensorFlow still allocates memory in them."""

TIMED_STEPS = 20
"""Steps after the warm-up whose mean time is the estimate's seconds per step."""


def is_due(step: int, frequency: int) -> bool:
    """Whether something that happens every `frequency` steps happens at `step`; 0 means never."""
    return frequency > 0 and step % frequency == 0


def print_above_bar(bar: tqdm, text: str) -> None:
    """Print a line to stdout without tearing the progress bar."""
    with bar.external_write_mode(file=sys.stdout):
        print(text, flush=True)


def describe_estimate(timed_seconds: float, steps: int) -> str:
    """Estimate how long a run takes.

    Args:
        timed_seconds: Duration of `TIMED_STEPS` steps.
        steps: Number of steps of the whole run.

    Returns:
        The duration of the run and of a step, for example "about 25 minutes in all, at 0.150 s a step".
    """
    seconds_per_step = timed_seconds / TIMED_STEPS
    return f"{describe_duration(seconds_per_step * steps)} in all, at {seconds_per_step:.3f} s a step"


def describe_duration(seconds: float) -> str:
    """Round a duration to minutes below two hours, and to tenths of an hour above."""
    return f"about {seconds / 60:.0f} minutes" if seconds < 7200 else f"about {seconds / 3600:.1f} hours"
