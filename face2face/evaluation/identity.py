"""Whose face it is, by dlib's face recognition network: a judge of results, not a part of the pipeline."""

import numpy as np

from face2face.cli import existing_file
from face2face.face.landmarks import default_landmark_model

ANOTHER_PERSON = 0.6
"""The distance of two descriptors from which dlib's authors take two faces for two people's."""


class FaceDescriptor:
    """Describes a face by 128 numbers: the smaller the distance of two of them, the more alike the faces."""

    def __init__(self) -> None:
        """Load the network.

        Raises:
            UserError: if the recognition model of face_recognition_models is missing.
        """
        import dlib

        model = default_landmark_model().with_name("dlib_face_recognition_resnet_model_v1.dat")
        self._dlib = dlib
        self._network = dlib.face_recognition_model_v1(str(existing_file(model, "the recognition model")))

    def __call__(self, picture: np.ndarray, points: np.ndarray) -> np.ndarray:
        """Describe a face.

        Args:
            picture: uint8 (H, W, 3), RGB.
            points: float (68, 2), the face's landmarks in it.

        Returns:
            The descriptor, float (128,).
        """
        places = [self._dlib.point(round(x), round(y)) for x, y in points.tolist()]
        (left, top), (right, bottom) = points.min(axis=0).astype(int), points.max(axis=0).astype(int)
        box = self._dlib.rectangle(int(left), int(top), int(right), int(bottom))
        shape = self._dlib.full_object_detection(box, places)
        return np.array(self._network.compute_face_descriptor(np.ascontiguousarray(picture), shape))
