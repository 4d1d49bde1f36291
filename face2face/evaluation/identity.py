"""Whose face it is, by dlib's recognition network (a judge of results, not a part of the pipeline)."""

import numpy as np

from face2face.cli import existing_file
from face2face.face.landmarks import default_landmark_model

ANOTHER_PERSON = 0.6
"""The distance between two faces' descriptors from which dlib's authors call them two people's."""


class FaceDescriptor:
    """Describes faces by 128 numbers; the Euclidean distance between two tells how alike they are."""

    def __init__(self):
        """Raises: UserError if the recognition model of face_recognition_models is not there."""
        import dlib

        model = default_landmark_model().with_name("dlib_face_recognition_resnet_model_v1.dat")
        self._dlib = dlib
        self._network = dlib.face_recognition_model_v1(str(existing_file(model, "the recognition model")))

    def __call__(self, picture: np.ndarray, points: np.ndarray) -> np.ndarray:
        """uint8 (H, W, 3), RGB, and a face's float (68, 2) in it -> float (128,)."""
        places = [self._dlib.point(round(x), round(y)) for x, y in points.tolist()]
        (left, top), (right, bottom) = points.min(axis=0).astype(int), points.max(axis=0).astype(int)
        box = self._dlib.rectangle(int(left), int(top), int(right), int(bottom))
        shape = self._dlib.full_object_detection(box, places)
        return np.array(self._network.compute_face_descriptor(np.ascontiguousarray(picture), shape))
