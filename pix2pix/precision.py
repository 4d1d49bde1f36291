"""The number format of the networks' products while they are trained; their weights are always float32."""

import contextlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import keras
import tensorflow as tf

TIMED_STEPS = 5

CLEARLY_FASTER = 1.25
"""So many times as fast float32 has to be, to be taken where the device has units for another precision.
Small networks take as long in both: what else the machine does must not decide, or a seed would not give the
same weights twice.
"""

_BFLOAT16_FLAGS = {"avx512_bf16", "amx_bf16"}
"""Of x86 processors that multiply bfloat16 in one instruction, as Linux spells them."""


@contextlib.contextmanager
def policy(name: str) -> Iterator[None]:
    """Layers that are made within compute in this precision."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(name)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def candidates() -> list[str]:
    """float32, and what the device that will compute has units for."""
    if gpus := tf.config.list_physical_devices("GPU"):
        capability = tf.config.experimental.get_device_details(gpus[0]).get("compute_capability", (0, 0))
        return ["float32"] + ["mixed_float16"] * (capability >= (7, 0))
    return ["float32"] + ["mixed_bfloat16"] * bool(_BFLOAT16_FLAGS & _cpu_flags())


def _cpu_flags() -> set[str]:
    """What the processor can do; empty where the system does not tell."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return set()
    return next((set(line.split()) for line in lines if line.startswith("flags")), set())


def fastest(step_of: Callable[[str], Callable[[], None]]) -> str:
    """What the device has units for, unless float32's step is clearly shorter.

    Args:
        step_of: gives for a precision a function that computes one training step.
    """
    plain, *native = candidates()
    if not native:
        return plain
    seconds = {name: _seconds(step_of(name)) for name in (plain, *native)}
    best = min(native, key=seconds.get)
    return plain if CLEARLY_FASTER * seconds[plain] < seconds[best] else best


def _seconds(step: Callable[[], None]) -> float:
    """The shortest time of a step, after a first one that traces it: the least disturbed."""
    step()
    taken = []
    for _ in range(TIMED_STEPS):
        began = time.perf_counter()
        step()
        taken.append(time.perf_counter() - began)
    return min(taken)
