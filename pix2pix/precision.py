"""The number format that the networks are trained in (mixed precision); weights are always float32."""

import contextlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import keras
import tensorflow as tf

TIMED_STEPS = 5
"""Steps whose shortest counts, for each precision."""

CLEARLY_FASTER = 1.25
"""How many times faster float32 has to be to be chosen on a device with units for another precision.

Small networks take the same time in both. There the load of the machine must not decide, or the same seed
would not give the same weights again.
"""

_BFLOAT16_FLAGS = {"avx512_bf16", "amx_bf16"}
"""CPU flags (Linux) of x86 processors with instructions that multiply bfloat16."""


@contextlib.contextmanager
def policy(name: str) -> Iterator[None]:
    """Set the precision of the layers that are made within this context."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(name)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def candidates() -> list[str]:
    """float32, and the precisions that the device has units for."""
    if gpus := tf.config.list_physical_devices("GPU"):
        capability = tf.config.experimental.get_device_details(gpus[0]).get("compute_capability", (0, 0))
        return ["float32"] + ["mixed_float16"] * (capability >= (7, 0))
    return ["float32"] + ["mixed_bfloat16"] * bool(_BFLOAT16_FLAGS & _cpu_flags())


def _cpu_flags() -> set[str]:
    """The processor's flags; empty on systems without /proc/cpuinfo."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return set()
    return next((set(line.split()) for line in lines if line.startswith("flags")), set())


def fastest(step_of: Callable[[str], Callable[[], None]]) -> str:
    """Choose a precision that the device has units for, unless a step in float32 is clearly shorter.

    Args:
        step_of: Returns for a precision a function that computes one training step.

    Returns:
        The name of a Keras dtype policy.
    """
    plain, *native = candidates()
    if not native:
        return plain
    seconds = {name: _seconds(step_of(name)) for name in (plain, *native)}
    best = min(native, key=seconds.get)
    return plain if CLEARLY_FASTER * seconds[plain] < seconds[best] else best


def _seconds(step: Callable[[], None]) -> float:
    """Shortest duration of a step, which other programs disturbed least, after a first one that is traced."""
    step()
    taken = []
    for _ in range(TIMED_STEPS):
        began = time.perf_counter()
        step()
        taken.append(time.perf_counter() - began)
    return min(taken)
