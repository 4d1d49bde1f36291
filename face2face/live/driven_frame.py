"""The one record that passes through the stages of the loop."""

from concurrent.futures import Future
from dataclasses import dataclass

import numpy as np


@dataclass
class DrivenFrame:
    """A frame of the driver and what has been made of it. Each stage fills in its fields.

    All pictures are square, uint8 (S, S, 3), RGB.

    Attributes:
        seconds: The time stamp of the source's frame.
        captured: The capture time of the source's frame, by `time.perf_counter`. The frame's own picture is
            not kept: several of full size would be in memory at a time.
        preview: From `detect`: the middle square of the frame, `PREVIEW_SCALE` times as large as the model
            space.
        state: From `detect`: what the user should know about this frame, or "".
        model: From `detect`: the index of the generator for this frame.
        detected: From `detect`: float32 (68, 2), the driver's landmarks as detected, in pixels of the frame;
            None without a face.
        points: From `detect`: the same, smoothed.
        preview_points: From `detect`: the smoothed ones, in pixels of `preview`.
        is_one_of_several: From `detect`: whether other faces are in view.
        target_points: From `detect`: float (68, 2), the landmarks that were drawn, in the generator's own
            model space; None without a face.
        drawing: From `detect`: the generator's input, in its own model space; None without a face.
        pending_face: From `generate`: the generator's pending output; None if there is nothing to generate.
        shown_drawing: From `present`: the drawing of the last frame with a face; black before the first one.
        generated: From `present`: the face to show. Without a face in the frame it is the last one, the
            driver or black, as the options say.
    """

    seconds: float
    captured: float
    preview: np.ndarray
    state: str = ""
    model: int = 0
    detected: np.ndarray | None = None
    points: np.ndarray | None = None
    preview_points: np.ndarray | None = None
    is_one_of_several: bool = False
    target_points: np.ndarray | None = None
    drawing: np.ndarray | None = None
    pending_face: Future[np.ndarray] | None = None
    shown_drawing: np.ndarray | None = None
    generated: np.ndarray | None = None
