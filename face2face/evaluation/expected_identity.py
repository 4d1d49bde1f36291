"""What identity to expect of a target's true face in an expression: a painted one is to be read against it.

A face that is mostly at rest smiles rarely, so its smile is farther from the mean of its descriptors than its
face at rest, however well it is painted.
"""

from collections.abc import Sequence

import numpy as np

from face2face.evaluation.following import MOTIONS

EXPRESSIVE = ("mouth", "mouth_width", "eyes", "brows", "yaw", "pitch")
"""Keys of `following.MOTIONS` that change a descriptor. Roll does not: faces are described upright."""

RIDGE = 1.0
"""Weight of the squared coefficients, of standardised values: a few frames give no steep slopes."""

_COLUMNS = [list(MOTIONS).index(name) for name in EXPRESSIVE]


class ExpectedIdentity:
    """A target's distance from its mean identity, by its expression and the turn of its head.

    It is a ridge regression (Hoerl and Kennard, 1970) of the true frames' distances on their motions, and on
    how far these are from the median, either way.
    """

    def __init__(self, motions: np.ndarray, distances: np.ndarray) -> None:
        """Fit it.

        Args:
            motions: Of N true frames, float (N, M), as in `following.motions`.
            distances: The frames' distances from the mean of their descriptors, float (N,).
        """
        values = motions[:, _COLUMNS]
        self._median, self._spread = np.median(values, axis=0), np.maximum(values.std(axis=0), 1e-9)
        self._mean_distance = float(np.mean(distances))
        features = self._features(motions)
        self._mean_features = features.mean(axis=0)
        centred = features - self._mean_features
        gram = centred.T @ centred + RIDGE * np.eye(centred.shape[1])
        self._slopes = np.linalg.solve(gram, centred.T @ (distances - self._mean_distance))

    def __call__(self, motions: Sequence[np.ndarray]) -> np.ndarray:
        """The distances to expect, float (K,), of K faces with these motions, float (M,) each."""
        features = self._features(np.reshape(motions, (-1, len(MOTIONS))))
        return self._mean_distance + (features - self._mean_features) @ self._slopes

    def _features(self, motions: np.ndarray) -> np.ndarray:
        values = (motions[:, _COLUMNS] - self._median) / self._spread
        return np.hstack([values, np.abs(values)])
