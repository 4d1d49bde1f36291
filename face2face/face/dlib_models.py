"""dlib's models, each read once for a process: that takes most of a second for each."""

import copy
import functools
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from face2face.cli import UserError
from face2face.face import landmark_check
from face2face.face.geometry import LANDMARKS

if TYPE_CHECKING:
    import dlib


def frontal_face_detector() -> "dlib.fhog_object_detector":
    """A detector of frontal faces. Threads cannot share one: it holds the picture that it searches."""
    return copy.copy(_frontal_face_detector())


@functools.cache
def _frontal_face_detector() -> "dlib.fhog_object_detector":
    import dlib

    return dlib.get_frontal_face_detector()


@functools.cache
def shape_predictor(model: Path) -> "dlib.shape_predictor":
    """The landmark model in a file, which is checked before. Threads can share it.

    Raises:
        UserError: If the file is missing or is no 68-point model of dlib's.
    """
    model = landmark_check.check(model)
    import dlib

    try:
        predictor = dlib.shape_predictor(str(model))
        count = predictor(np.zeros((9, 9), np.uint8), dlib.rectangle(0, 0, 8, 8)).num_parts
    except RuntimeError as error:
        raise UserError(f"expected a 68-point landmark model of dlib's, got {model} ({error})") from None
    if count != LANDMARKS:
        raise UserError(f"expected a 68-point landmark model of dlib's, got {count} points: {model}")
    return predictor
