"""Similarity transforms of the plane, and faces aligned by them: what head motion is in the picture."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from face2face.face.geometry import RIGID


@dataclass(frozen=True)
class SimilarityTransform:
    """A similarity transform p -> matrix p + shift: rotation, uniform scale and translation.

    Attributes:
        matrix: float (2, 2), the rotation times the scale.
        shift: float (2,).
    """

    matrix: np.ndarray
    shift: np.ndarray

    @classmethod
    def estimate(
        cls, reference: np.ndarray, face: np.ndarray, points: Sequence[int] | slice = RIGID
    ) -> "SimilarityTransform":
        """Estimate the transform from a reference to a face.

        Least squares (Umeyama, 1991); in the plane, with points as complex numbers, it is one division.

        Args:
            reference: float (68, 2).
            face: float (68, 2).
            points: Which of the 68 points are compared.
        """
        source, goal = _complex(reference[points]), _complex(face[points])
        source_mean, goal_mean = source.mean(), goal.mean()
        source, goal = source - source_mean, goal - goal_mean
        factor = np.vdot(source, goal) / max(np.vdot(source, source).real, 1e-12)
        shift = goal_mean - factor * source_mean
        matrix = np.array([[factor.real, -factor.imag], [factor.imag, factor.real]])
        return cls(matrix, np.array([shift.real, shift.imag]))

    def apply(self, points: np.ndarray) -> np.ndarray:
        """Transform points, float (..., 2)."""
        return points @ self.matrix.T + self.shift

    def apply_inverse(self, points: np.ndarray) -> np.ndarray:
        """Undo `apply`."""
        return (points - self.shift) @ np.linalg.inv(self.matrix).T

    def after(self, other: "SimilarityTransform") -> "SimilarityTransform":
        """The transform that applies another one first, and then this one."""
        return SimilarityTransform(self.matrix @ other.matrix, self.apply(other.shift))

    def inverse(self) -> "SimilarityTransform":
        """The transform that undoes this one."""
        matrix = np.linalg.inv(self.matrix)
        return SimilarityTransform(matrix, -matrix @ self.shift)

    @property
    def scale(self) -> float:
        """The uniform scale."""
        return float(np.hypot(*self.matrix[:, 0]))

    @property
    def roll(self) -> float:
        """The rotation in radians, clockwise in the picture."""
        return float(np.arctan2(self.matrix[1, 0], self.matrix[0, 0]))


def _complex(points: np.ndarray) -> np.ndarray:
    return points[..., 0] + 1j * points[..., 1]


def align(faces: np.ndarray, reference: np.ndarray) -> tuple[np.ndarray, list[SimilarityTransform]]:
    """Align faces to a reference by their rigid points.

    Args:
        faces: float (N, 68, 2).
        reference: float (68, 2).

    Returns:
        The aligned faces, float (N, 68, 2), and for each the transform from the reference to the face, which
        was undone: the head motion.
    """
    transforms = [SimilarityTransform.estimate(reference, face) for face in faces]
    aligned = [transform.apply_inverse(face) for transform, face in zip(transforms, faces, strict=True)]
    return np.array(aligned), transforms
