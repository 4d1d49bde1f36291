"""What both engines, OpenVINO and TensorFlow, share. Each engine is imported when it is first used."""

import glob
import sys
from collections.abc import Callable

import numpy as np

from face2face import cli

ENGINES = ("openvino", "tensorflow")
PRECISIONS = ("float32", "bfloat16")

RunGraph = Callable[[np.ndarray], np.ndarray]
"""Runs a loaded graph: the input, uint8 (S, 2 S, 3), RGB -> the face, a new uint8 (S, S, 3), RGB.
Several threads may call it at the same time."""


class EngineError(Exception):
    """An engine is not installed, or cannot run this graph; the message says why, in one line."""


def has_gpu_driver() -> bool:
    """Whether this system has the device file of a GPU that TensorFlow may use.

    Asking TensorFlow itself takes seconds. It uses GPUs on Linux (and in the Linux of Windows) only.
    """
    return sys.platform == "linux" and any(
        glob.glob(pattern) for pattern in ("/dev/nvidia[0-9]*", "/dev/dxg", "/dev/kfd")
    )


def input_of(drawing: np.ndarray) -> np.ndarray:
    """The input of a graph for a drawing, uint8 (S, S, 3), RGB: uint8 (S, 2 S, 3), the right half black."""
    return np.concatenate([drawing, np.zeros_like(drawing)], axis=1)


def one_picture(pictures: np.ndarray) -> np.ndarray:
    """Copy a batch of one picture, uint8 (1, S, S, 3) or (S, S, 3), to uint8 (S, S, 3)."""
    return np.array(pictures.reshape(pictures.shape[-3:]))


def last_line(error: Exception) -> str:
    """The line of an engine's error that says what is wrong: source files stand before it, nodes after it."""
    text = getattr(error, "message", None) or str(error)
    lines = [line.strip() for line in text.split("Original stack trace")[0].splitlines()]
    lines = [line for line in lines if line and not line.startswith("[[")]
    return cli.shown_to_its_end(lines[-1], 200) if lines else type(error).__name__
