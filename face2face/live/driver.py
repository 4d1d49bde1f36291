"""The person who drives: followed in the frames, known at rest, and carried onto a target."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from face2face import cli
from face2face.face import boxes
from face2face.face.crop import CropBox
from face2face.face.detected_face import Face
from face2face.face.eyes import EyeDetector
from face2face.face.tracking import TrackedFace, Tracker
from face2face.live.look_ahead import LOOK_AHEAD_SECONDS, SeenFace, faces_ahead, of_same_person
from face2face.live.options import DrivingOptions
from face2face.live.person import Person
from face2face.sources.base import Frame, Source
from face2face.target.calibration import Calibration, read_calibration
from face2face.target.gaze import held_gaze
from face2face.target.retarget import Retargeter
from face2face.target.statistics import USUAL_SHUT_RATIO
from face2face.target.target_file import Target

WHICH_FACE_SECONDS = 2.0
"""How long the user is told which face is followed, in seconds after `next_face`."""


class Driver:
    """Finds the driver in each frame, learns his face at rest, and carries his motion onto the targets.

    Attributes:
        gains: How much of the motion is carried, by the names of `controls.GAINS`.
    """

    def __init__(
        self,
        tracker: Tracker,
        targets: Sequence[Target],
        options: DrivingOptions,
        source: Source | None = None,
    ) -> None:
        """Begin without a face.

        Args:
            tracker: Follows the face.
            targets: Whom the driver may move.
            options: How he moves them.
            source: Where the frames come from; None: unknown. The target's own training video needs no
                calibration.

        Raises:
            UserError: If the calibration's file is damaged, or the iris model is not installed.
        """
        self._tracker, self._targets, self._options, self._source = tracker, targets, options, source
        file = options.calibration_file
        saved = read_calibration(file) if file and file.is_file() else None
        self._person = self._owner = Person(saved=saved)  # who drives, and of whom the calibration's file is
        self._is_asked_to_calibrate = False
        self._seen_ahead: list[SeenFace] = []
        self._eye_detector: EyeDetector | None = None
        if options.gaze and any(target.gaze is not None for target in targets):
            self._eye_detector = EyeDetector()
            tracker.follow_gaze(self._eye_detector)
        self.gains = {"expression": options.expression, "head": options.head}
        self._retargeters: dict[int, Retargeter] = {}

    def calibrate(self) -> None:
        """Take the next second's face as the neutral one. Any thread may call this."""
        self._is_asked_to_calibrate = True

    def next_face(self) -> None:
        """Drive by the next face in view from the next frame on. Any thread may call this."""
        self._tracker.next_face()

    def set_gain(self, name: str, value: float) -> None:
        """Carry more or less of the motion from the next frame on. Any thread may call this.

        Args:
            name: A key of `gains`.
            value: 0 to `controls.MAX_GAIN`.
        """
        self.gains[name] = value

    def keep(self) -> None:
        """Write a neutral face that was still being learned to the calibration's file, if there is one."""
        self._person.keep(self._options.calibration_file)

    def look_ahead(self, source: Source, seconds: float = LOOK_AHEAD_SECONDS) -> None:
        """Look for the driver's face at rest in a sample of a file's frames, before they are driven.

        To be called before the first frame. Who is followed is not known yet: faces elsewhere than the first
        one that is followed will not count.

        Args:
            source: The frames; nothing is looked for in a live source.
            seconds: After about this time, what was found is enough.
        """
        is_needed = self._options.retarget and self._person.saved is None
        if is_needed and any(target.face is not None for target in self._targets):
            self._seen_ahead = faces_ahead(source, self._tracker.detector, self._eye_detector, seconds)

    def find(self, frame: Frame) -> TrackedFace | None:
        """Find the driver's face in the next frame; None if he is not there."""
        face = self._tracker(frame)
        if face is None:
            return None
        seen = Face.at(face.points / frame.picture.shape[1])
        if face.is_another:
            self._change_to_who_is_at(seen)
        self._person.last_seen = seen
        return face

    def carry(self, face: TrackedFace, frame: Frame, index: int) -> tuple[np.ndarray, np.ndarray | None]:
        """Carry expression, head motion and gaze onto a target, or take them as they are (`--retarget off`).

        Args:
            face: As in `find`.
            frame: The same frame.
            index: Of the target.

        Returns:
            The points to draw, float (68, 2), in the target's model space, and the gaze, float (2, 2); None:
            at rest.
        """
        target, frame_size = self._targets[index], frame.picture.shape[1::-1]
        if not self._options.retarget or target.face is None:
            self._is_asked_to_calibrate = False  # no face at rest is in use
            gaze = None if target.gaze is None else _held_gaze(face, target.gaze.rest)
            return CropBox.centre(*frame_size).points(face.points, target.image_size), gaze
        points = self._in_known_view(face.points, frame_size)
        self._learn(points, face, frame.seconds, target)
        rest = self._at_rest(target)
        if index not in self._retargeters:
            self._retargeters[index] = Retargeter(target.face)
        retarget = self._retargeters[index]
        retarget.set_driver(rest.neutral, rest.shut_eyes)
        gaze = None if target.gaze is None else _held_gaze(face, rest.gaze)
        if gaze is not None:
            gaze = target.gaze.carry(gaze, rest.gaze)
        return retarget(points, **self.gains), gaze

    def _in_known_view(self, points: np.ndarray, frame_size: tuple[int, int]) -> np.ndarray:
        """The points in the frame size in which the calibration was learned.

        A frame of another aspect ratio starts a new calibration.

        Args:
            points: float (68, 2), in pixels of the frame.
            frame_size: Its width and height, pixels.
        """
        if not self._person.is_known_in(frame_size):
            if self._person.calibration is not None:
                self._begin_anew()
            self._person.frame_size = frame_size
        return points * (self._person.frame_size[0] / frame_size[0])

    def _learn(self, points: np.ndarray, face: TrackedFace, seconds: float, target: Target) -> None:
        """Learn from the frame what the driver's face is like at rest, and keep what is settled.

        Args:
            points: float (68, 2), as `_in_known_view`.
            face: As in `find`.
            seconds: The frame's time stamp.
            target: Whose neutral face stands for what is unknown of his.
        """
        person = self._person
        if person.calibration is None:
            person.calibration = self._first_calibration(points, target)
        if self._is_asked_to_calibrate:
            self._is_asked_to_calibrate = False
            self._restart_calibration()
        person.calibration.update(points, seconds, None if face.gaze is None else face.gaze.detected)
        if person.calibration.is_settled:
            self.keep()

    def _at_rest(self, target: Target) -> "_AtRest":
        """What the driver's motion is measured against."""
        own = self._own_face(target)
        if own is not None:
            gaze = None if target.gaze is None else target.gaze.rest
            return _AtRest(own, target.face.drawn_shut_eyes, gaze)
        calibration = self._person.calibration
        return _AtRest(calibration.neutral, USUAL_SHUT_RATIO, calibration.gaze.rest)

    def _own_face(self, target: Target) -> np.ndarray | None:
        """The target's neutral face, float (68, 2), in pixels of the frames, if its own video drives it."""
        source, person = self._source, self._person
        if source is None or not person.may_be_target:
            return None
        return target.neutral_in(source.file_name, person.frame_size, source.fps, source.frame_count)

    def _first_calibration(self, points: np.ndarray, target: Target) -> Calibration:
        """What is known of the driver before the first frame that he drives.

        Args:
            points: float (68, 2), his first face, in pixels of the frame.
            target: As in `_learn`.
        """
        person, own = self._person, self._own_face(target)
        saved, person.saved = person.saved, None
        if saved is not None or own is not None:
            person.is_to_be_kept = False
        if saved is not None and not boxes.is_same_view(saved.frame_size, person.frame_size):
            # It was learned with another camera, or with the phone turned: its points are wrong in this view.
            # The file is kept for that other view.
            width, height = saved.frame_size
            file = self._options.calibration_file
            cli.warn(
                f"{file} is not used, and stays as it is until c is pressed: of frames of {width}x{height}"
            )
            saved = None
        if own is not None:
            return Calibration(target.face.neutral, own)
        if saved is not None:
            gaze = None if saved.gaze is None else np.array(saved.gaze)
            return Calibration(target.face.neutral, saved.scaled_to(person.frame_size), gaze)
        calibration = Calibration(target.face.neutral)
        faces = of_same_person(points, self._seen_ahead)
        calibration.look_ahead(
            [face.points for face in faces], [face.gaze for face in faces if face.gaze is not None]
        )
        return calibration

    def _restart_calibration(self) -> None:
        """Begin the calibration that was asked for. From now on the calibration's file is this person's."""
        person = self._owner = self._person
        person.is_to_be_kept, person.may_be_target = True, False
        person.calibration.restart()
        self._forget_shut_eyes()

    def _change_to_who_is_at(self, seen: Face) -> None:
        """Drive on by another person, whose neutral face is learned; or by the owner of the file again.

        Persons are not recognised: the owner is who comes back to where he last was. The file stays his until
        another one asks for a calibration.
        """
        self.keep()
        is_back = self._person is not self._owner and self._owner.is_at(seen)
        self._person = self._owner if is_back else Person(is_to_be_kept=False, may_be_target=False)
        self._forget()

    def _begin_anew(self) -> None:
        """Learn the driver's neutral face in another view, where the last one does not count."""
        self.keep()
        self._person.calibration, self._person.may_be_target = None, False
        self._forget()

    def _forget(self) -> None:
        """Forget the faces seen ahead, and how far the eyes shut: both are of one driver in one view."""
        self._seen_ahead = []
        self._forget_shut_eyes()

    def _forget_shut_eyes(self) -> None:
        for retargeter in self._retargeters.values():
            retargeter.forget_shut_eyes()

    def state(self, face: TrackedFace | None, seconds: float) -> str:
        """What the user should know about a frame, or "".

        Args:
            face: As in `find`.
            seconds: The frame's time stamp.
        """
        if face is None:
            return "no face"
        calibration, said = self._person.calibration, []
        if 0 <= seconds - face.asked_at < WHICH_FACE_SECONDS:
            which = f"face {face.rank + 1} of {face.count}, from the left"
            said.append(which if face.count > 1 else "no other face is in view")
        if calibration is not None and (calibration.is_running or not calibration.is_known):
            said.append("calibrating: look straight ahead")
        return "; ".join(said)


@dataclass(frozen=True)
class _AtRest:
    """A driver's face at rest, in pixels of his frames.

    Attributes:
        neutral: float (68, 2).
        shut_eyes: Gap between the shut lids over that at rest, as `Retargeter.set_driver` takes it.
        gaze: float (2, 2), into the camera; None: unknown, as of a target without irises.
    """

    neutral: np.ndarray
    shut_eyes: float
    gaze: np.ndarray | None


def _held_gaze(face: TrackedFace, rest: np.ndarray) -> np.ndarray | None:
    """A face's gaze, float (2, 2), as `held_gaze`; None as long as it is unknown.

    Args:
        rest: float (2, 2), the gaze into the camera.
    """
    gaze = face.gaze
    if gaze is None or gaze.smoothed is None:
        return None
    return held_gaze(gaze.smoothed, rest, gaze.unknown_for)
