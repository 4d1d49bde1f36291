"""A person who drives, or has driven: where he was last, and his face at rest."""

from dataclasses import dataclass
from pathlib import Path

from face2face import cli
from face2face.face import boxes
from face2face.face.detected_face import Face
from face2face.target.calibration import Calibration, SavedCalibration


@dataclass(eq=False)
class Person:
    """What is known of a person.

    Attributes:
        last_seen: His face, in units of the frame's width; None before it was seen.
        saved: His face at rest as it was kept the last time, until the first frame that he drives; or None.
        calibration: Knows his face at rest; None before that frame.
        frame_size: Width and height of the frames in whose pixels that is.
        is_to_be_kept: Whether his face at rest is to be written to the calibration's file once it is known.
        may_be_target: Whether the target's face at rest is taken for his, in a video of the target.
    """

    last_seen: Face | None = None
    saved: SavedCalibration | None = None
    calibration: Calibration | None = None
    frame_size: tuple[int, int] = (0, 0)
    is_to_be_kept: bool = True
    may_be_target: bool = True

    def is_at(self, seen: Face) -> bool:
        """Whether a face, in units of the frame's width, is where he was last seen."""
        return self.last_seen is not None and seen.is_near(self.last_seen)

    def is_known_in(self, frame_size: tuple[int, int]) -> bool:
        """Whether his face at rest is known in frames of a size, (width, height) in pixels."""
        return self.calibration is not None and boxes.is_same_view(frame_size, self.frame_size)

    def keep(self, file: Path | None) -> None:
        """Write his face at rest to the calibration's file, if there is one, once each time it is learned."""
        is_new = self.is_to_be_kept and self.calibration is not None and self.calibration.is_known
        if file is None or not is_new:
            return
        self.is_to_be_kept = False
        try:
            self.calibration.write(file, self.frame_size)
        except (OSError, cli.UserError) as error:
            cli.warn(f"the calibration is not kept in {file}: {cli.reason(error)}")
