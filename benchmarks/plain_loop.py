"""A sequential webcam loop that does what the 2017 demo's does, to measure against; written anew.

On every frame, one thing after the other: faces are looked for in the picture at a quarter of its size,
enlarged once by the detector; their landmarks, times 4, are drawn into a picture of the frame's size; that is
cropped and scaled, and painted by a TensorFlow session.
"""

import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from face2face import loading
from face2face.face.drawing import DRAWINGS, ORIGINAL_DRAWING, ORIGINAL_LINE_WIDTH
from face2face.frozen_graph import INPUT_TENSOR, OUTPUT_TENSOR
from face2face.live.stats import Stats

DOWNSAMPLE = 4


class PlainLoop:
    """Paints frame by frame."""

    def __init__(self, model: Path, landmark_model: Path):
        import dlib

        loading.load_tensorflow()
        import tensorflow as tf

        self._detector = dlib.get_frontal_face_detector()
        self._predictor = dlib.shape_predictor(str(landmark_model))
        definition = tf.compat.v1.GraphDef.FromString(model.read_bytes())
        with tf.Graph().as_default() as graph:
            tf.import_graph_def(definition, name="")
        self._size = graph.get_tensor_by_name(INPUT_TENSOR).shape[0]
        self._session = tf.compat.v1.Session(graph=graph)

    def run(self, clip: str, stats: Stats, note: Callable[[], None], limit: int) -> None:
        """note: is called when a picture is there."""
        capture = cv2.VideoCapture(clip)
        while stats.frames < limit:
            with stats.measure("capture"):
                ok, frame = capture.read()
            if not ok:
                break
            captured = time.perf_counter()
            with stats.measure("landmarks"):
                small = cv2.resize(frame, None, fx=1 / DOWNSAMPLE, fy=1 / DOWNSAMPLE)
                grey = cv2.cvtColor(small, cv2.COLOR_BGR2GRAY)
                faces = [self._predictor(grey, box).parts() for box in self._detector(grey, 1)]
            with stats.measure("drawing"):
                drawing = np.zeros(frame.shape, np.uint8)
                for face in faces:
                    points = np.array([[DOWNSAMPLE * p.x, DOWNSAMPLE * p.y] for p in face], np.int32)
                    for stroke in DRAWINGS[ORIGINAL_DRAWING]:
                        region = stroke.region
                        line = points[region.points].reshape(-1, 1, 2)
                        cv2.polylines(drawing, [line], region.closed, stroke.colour, ORIGINAL_LINE_WIDTH)
                pair = np.concatenate([self._square(drawing), self._square(small)], axis=1)
            with stats.measure("generator"):
                feed = {INPUT_TENSOR: cv2.cvtColor(pair, cv2.COLOR_BGR2RGB)}
                generated = self._session.run(OUTPUT_TENSOR, feed)
            with stats.measure("output"):
                face = cv2.cvtColor(np.squeeze(generated), cv2.COLOR_RGB2BGR)
                np.concatenate([self._square(small), face], axis=1)
                note()
            stats.show(captured, bool(faces))
        capture.release()

    def _square(self, picture: np.ndarray) -> np.ndarray:
        height, width = picture.shape[:2]
        side = min(height, width)
        top, left = (height - side) // 2, (width - side) // 2
        return cv2.resize(picture[top : top + side, left : left + side], (self._size, self._size))
