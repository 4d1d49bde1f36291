"""A person who drives, or has driven: where he was last, and his face at rest."""

from dataclasses import dataclass
from pathlib import Path

from face2face import cli
from face2face.face import boxes
from face2face.face.landmarks import Face
from face2face.target.calibration import Calibration


@dataclass(eq=False)
class Person:
    """What is known of a person.

    Attributes:
        place: His face as last seen, in units of the frame's width; None before that.
        calibration: Knows his face at rest; None before the first frame that he drives.
        frame_size: Width and height of the frames in whose pixels that is.
        is_kept: Whether his face at rest is in the calibration's file, or is not to be written to it.
        may_be_target: Whether the target's face at rest is taken for his, in a video of the target.
    """

    place: Face | None = None
    calibration: Calibration | None = None
    frame_size: tuple[int, int] = (0, 0)
    is_kept: bool = False
    may_be_target: bool = True

    def is_at(self, place: Face) -> bool:
        """Whether this place, in units of the frame's width, is where he was last seen."""
        return self.place is not None and place.is_near(self.place)

    def is_known_in(self, frame_size: tuple[int, int]) -> bool:
        """Whether his face at rest is known in frames of a size, (width, height) in pixels."""
        return self.calibration is not None and boxes.is_same_view(frame_size, self.frame_size)

    def keep(self, file: Path | None) -> None:
        """Write his face at rest to the calibration's file, if there is one, once each time it is learned."""
        if file is None or self.is_kept or self.calibration is None or not self.calibration.is_known:
            return
        self.is_kept = True
        try:
            self.calibration.write(file, self.frame_size)
        except (OSError, cli.UserError) as error:
            cli.warn(f"the calibration is not kept in {file}: {cli.reason(error)}")
