"""Writes the clips that benchmarks make of others."""

from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np

from face2face import cli


def write(path: Path, pictures: Iterable[np.ndarray], fps: float) -> None:
    """Write pictures, uint8 (H, W, 3), BGR, all of one size, as MPEG-4.

    Raises:
        UserError: If OpenCV cannot write videos.
    """
    writer: cv2.VideoWriter | None = None
    for picture in pictures:
        height, width = (side // 2 * 2 for side in picture.shape[:2])  # as MPEG-4 wants it
        if writer is None:
            writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"mp4v"), fps, (width, height))
            if not writer.isOpened():
                raise cli.UserError("expected an OpenCV that writes MPEG-4, got one that does not")
        writer.write(np.ascontiguousarray(picture[:height, :width]))
    if writer is not None:
        writer.release()
