"""A face that was found in a frame: its box, its 68 landmarks, and where it is searched next."""

from dataclasses import dataclass

import numpy as np

from face2face.face import boxes

# The detector's box relative to the points in it, in units of the points' root mean square distance from
# their mean: medians over four clips.
BOX_ABOVE_POINTS = np.array([0.0, -0.15])
BOX_PER_SPREAD = 2.85

MAX_STILL_SHIFT = 0.05
"""A face has hardly moved if no corner of its average box has moved by more, over the box's width."""


@dataclass(frozen=True)
class Face:
    """A face in a frame.

    Attributes:
        box: float (4,), left, top, right, bottom, in pixels of the frame.
        points: float32 (68, 2) in the iBUG order, x right, y down, in pixels of the frame, sub-pixel.
        searched_box: float (4,), the box near which it was searched; None: nowhere in particular.
    """

    box: np.ndarray
    points: np.ndarray
    searched_box: np.ndarray | None = None

    @classmethod
    def at(cls, points: np.ndarray) -> "Face":
        """A face with these points, float (68, 2), in the detector's average box."""
        box = cls(np.zeros(4), points).usual_box()
        return cls(box, points)

    def is_near(self, other: "Face") -> bool:
        """Whether both can be the same person's, in successive frames."""
        return boxes.is_same(self.box, other.box)

    def usual_box(self) -> np.ndarray:
        """The detector's average box of a face with these points, float (4,).

        The detected box moves in steps that depend on the part of the frame that is searched; this one does
        not.
        """
        middle = self.points.mean(axis=0)
        spread = np.sqrt(np.mean(np.sum((self.points - middle) ** 2, axis=1)))
        centre, half = middle + BOX_ABOVE_POINTS * spread, BOX_PER_SPREAD * spread / 2
        return np.array([*(centre - half), *(centre + half)], np.float64)

    def expected_box(self) -> np.ndarray:
        """The box near which the face is searched in the next frame, float (4,).

        It is that of the last search as long as the face has hardly moved. A detected box depends on what is
        searched: the search would follow the box, and the box the search, and a still face would never rest.
        """
        usual = self.usual_box()
        if self.searched_box is None or boxes.has_moved(usual, self.searched_box, MAX_STILL_SHIFT):
            return usual
        return self.searched_box
