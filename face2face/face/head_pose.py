"""Head pose: a similarity transform, and how far the head is turned aside and up or down.

In weak perspective a turned head shifts each point by its depth. So with a depth for each of the 68 points,
turns are told from expression, and from motion towards the camera, by one linear least squares.
"""

from dataclasses import dataclass

import numpy as np

from face2face.face.geometry import MIRRORED, RIGID
from face2face.face.similarity import SimilarityTransform

# Of the picture's left half, measured on three people's clips: their points were factored into a face at
# rest, turns and depths, with the nose's tip at 0.5.
_LEFT_DEPTH = {
    **dict(enumerate((-0.75, -0.68, -0.70, -0.63, -0.58, -0.42, -0.22, 0.05, 0.06))),  # jaw
    **dict(enumerate((-0.04, 0.03, 0.11, 0.16, 0.19), 17)),  # brow
    **dict(enumerate((0.23, 0.31, 0.41, 0.50, 0.29, 0.33, 0.35), 27)),  # nose
    **dict(enumerate((-0.03, 0.02, 0.03, 0.03, 0.03, 0.01), 36)),  # eye
    **dict(enumerate((0.13, 0.26, 0.32, 0.33), 48)),  # outer lips, above
    **dict(enumerate((0.28, 0.29), 57)),  # outer lips, below, from the middle
    59: 0.18,
    **dict(enumerate((0.16, 0.29, 0.29), 60)),  # inner lips, above
    **dict(enumerate((0.30, 0.31), 66)),  # inner lips, below
}

DEPTH = np.array(
    [_LEFT_DEPTH.get(point, _LEFT_DEPTH.get(mirror)) for point, mirror in enumerate(MIRRORED)], np.float64
)
"""Depth of each of the 68 points towards the camera, float (68,), in interocular distances; 0 at the eyes."""

HEAD = [*RIGID, 0, 1, 2, 14, 15, 16]
"""The points that tell the head's pose: those that no expression moves much, and the ends of the jaw."""


@dataclass(frozen=True)
class HeadPose:
    """The pose of a head against an upright face at rest, of interocular distance 1.

    Attributes:
        transform: From the upright face to the head, without the turn.
        turn: float (2,), how far a point of depth 1 is moved right and down, in interocular distances.
    """

    transform: SimilarityTransform
    turn: np.ndarray

    @classmethod
    def estimate(cls, rest: np.ndarray, face: np.ndarray) -> "HeadPose":
        """Estimate the pose by least squares over `HEAD`.

        As complex numbers the points are a rest + u depth + t, linear in a, u and t.

        Args:
            rest: float (68, 2), the upright face at rest, of interocular distance 1.
            face: float (68, 2), in any unit.
        """
        columns = np.stack(
            [rest[HEAD, 0] + 1j * rest[HEAD, 1], DEPTH[HEAD].astype(complex), np.ones(len(HEAD), complex)],
            axis=1,
        )
        goal = face[HEAD, 0] + 1j * face[HEAD, 1]
        adjoint = columns.conj().T
        normal = adjoint @ columns + 1e-9 * np.eye(3)  # a stranger's face at rest may be a line
        a, u, t = np.linalg.solve(normal, adjoint @ goal)
        turn = u / a
        matrix = np.array([[a.real, -a.imag], [a.imag, a.real]])
        return cls(SimilarityTransform(matrix, np.array([t.real, t.imag])), np.array([turn.real, turn.imag]))

    def undo(self, face: np.ndarray) -> np.ndarray:
        """The face without the pose, float (68, 2), upright: what differs from rest is its expression."""
        return self.transform.apply_inverse(face) - turned(self.turn)


def turned(turn: np.ndarray) -> np.ndarray:
    """How a turn, float (2,), moves the points of an upright face: float (68, 2)."""
    return DEPTH[:, None] * turn
