"""The options of a run as one tree of records. A record that exists is free of contradictions."""

from dataclasses import dataclass, field
from pathlib import Path

from face2face import cli, files
from face2face.cli import UserError
from face2face.face.landmarks import default_landmark_model
from face2face.face.smoothing import DEFAULT_STRENGTH
from face2face.generator import generator
from face2face.live import stats
from face2face.output import recording
from face2face.output.controls import VIEWS
from face2face.output.page import access
from face2face.sources.base import Source, name_of
from face2face.sources.browser import BrowserSource
from face2face.sources.open import check_exists, is_address, open_source, source_path
from face2face.sources.paced import PacedSource
from face2face.target.calibration import is_calibration

BROWSER = "browser"
"""The value of `--source` that stands for the camera of the browser that opens the page."""

NO_FACE = ("hold", "passthrough", "blank")
"""What is shown instead of a new face when the driver's face has been missing for a while."""

DEFAULT_HOLD_SECONDS = 0.5
"""Default of `--hold`."""

RECORD_VIEWS = ("side-by-side", "generated")
"""What a recording shows; the first is the default."""

ANY_DEVICE = ""
"""Instead of the name of a microphone or virtual camera: the one that the system offers first."""

MAX_MODELS = 9
"""Each model is chosen by a key of its own, 1 to 9."""

MAX_FRAMES = 10**15
"""Upper bound of `--limit`: more frames than any camera takes in a user's life."""


@dataclass(frozen=True)
class SourceOptions:
    """What the driver's frames are read from.

    Attributes:
        source: As `open_source` takes it, or `BROWSER`.
        start: Second of a video file to begin at.
        end: Second of a video file to end at; None: its own end.
        camera_size: (width, height) in pixels to ask a camera for.
        camera_fps: Frames per second to ask a camera for.
        is_paced: Play a file or folder in real time, as a camera.
    """

    source: str
    start: float = 0.0
    end: float | None = None
    camera_size: tuple[int, int] | None = None
    camera_fps: float | None = None
    is_paced: bool = False

    def __post_init__(self) -> None:
        is_specific = self.start or self.end is not None or self.camera_size or self.camera_fps
        if self.source == BROWSER and is_specific:
            raise UserError("--start, --end, --camera-size and --camera-fps are not for --source browser")
        if self.is_paced and self.source != BROWSER:
            check_exists(self.source)
        if self.is_paced and self.is_live:
            raise UserError(f"--pace is for video files and folders of images, got {self.source}")

    @property
    def path(self) -> Path | None:
        """The file or folder that is read, if the source is one."""
        return None if self.source == BROWSER else source_path(self.source)

    @property
    def is_live(self) -> bool:
        """Whether the source is a camera or a stream."""
        return self.path is None or is_address(self.source)

    def open(self) -> Source:
        """Open the source.

        Raises:
            UserError: If it cannot be opened.
        """
        if self.source == BROWSER:
            return BrowserSource()
        opened = open_source(self.source, self.start, self.end, self.camera_size, self.camera_fps)
        return PacedSource(opened) if self.is_paced else opened


@dataclass(frozen=True)
class ModelOptions:
    """The models that are loaded, and what runs them.

    Attributes:
        generators: Frozen graphs, .pb or .xml. The first one generates until the user chooses another one.
        landmark_model: dlib's 68-point model.
        engine: One of `engines.ENGINES`, or `generator.AUTO`.
        precision: One of `engines.PRECISIONS`, or `generator.AUTO`.
    """

    generators: tuple[Path, ...]
    landmark_model: Path = field(default_factory=default_landmark_model)
    engine: str = generator.AUTO
    precision: str = generator.AUTO

    def __post_init__(self) -> None:
        if len(self.generators) > MAX_MODELS:
            raise UserError(f"expected --tf-model at most {MAX_MODELS} times, got {len(self.generators)}")
        for path in self.generators:
            cli.existing_file(path, "the frozen model")


@dataclass(frozen=True)
class DrivingOptions:
    """How the driver's face moves the target's.

    Attributes:
        retarget: Transfer the driver's motion to the target's face, or draw the driver's own face.
        calibration_file: The driver's neutral face: read if the file exists, else learned and written. A
            file of frames of another aspect ratio is neither used nor replaced, until a calibration is asked
            for.
        smoothing: 0 (landmarks as they are detected) to 1 (the steadiest).
        hold_seconds: How long the last face stays before `no_face` replaces it; None: `DEFAULT_HOLD_SECONDS`.
        no_face: One of `NO_FACE`.
        expression: How much of the driver's expression is carried, 0 to `MAX_GAIN`.
        head: How much of the driver's head motion is carried, likewise.
        gaze: Whether the driver's gaze is carried, to a target that was trained with irises.
    """

    retarget: bool = True
    calibration_file: Path | None = None
    smoothing: float = DEFAULT_STRENGTH
    hold_seconds: float | None = None
    no_face: str = NO_FACE[0]
    expression: float = 1.0
    head: float = 1.0
    gaze: bool = True

    def __post_init__(self) -> None:
        if self.calibration_file and not self.retarget:
            raise UserError("--calibration needs retargeting: remove --retarget off")
        if not self.retarget and (self.expression != 1 or self.head != 1):
            raise UserError("--expression and --head need retargeting: remove --retarget off")
        if self.hold_seconds is not None and self.no_face == "hold":
            raise UserError(
                "--hold delays --no-face passthrough and blank: expected one of them, got --no-face hold"
            )


@dataclass(frozen=True)
class OutputOptions:
    """Where the pictures go.

    Attributes:
        view: One of `VIEWS`; None: the first.
        mirror: Show the pictures mirrored in the window and on the page.
        label: Write on each face that it is AI-generated.
        window: Open a window.
        fullscreen: Open it on the full screen.
        size: (width, height) of the window in pixels; None: the pictures' own size.
        record: A video file or folder to record to.
        record_view: One of `RECORD_VIEWS`; None: the first.
        microphone: The name of the device whose sound is recorded, or `ANY_DEVICE`; None: no microphone.
        delay_microphone: The name of the device that plays the microphone's sound as late as the pictures
            are; None: none does.
        virtual_camera: The name of the device to write to, or `ANY_DEVICE`; None: no virtual camera.
        serve: Port of the page, 0 for any free one; None: no page.
        serve_host: Address of the page.
        serve_token: What each request to the page has to carry.
    """

    view: str | None = None
    mirror: bool = False
    label: bool = False
    window: bool = True
    fullscreen: bool = False
    size: tuple[int, int] | None = None
    record: Path | None = None
    record_view: str | None = None
    microphone: str | None = None
    delay_microphone: str | None = None
    virtual_camera: str | None = None
    serve: int | None = None
    serve_host: str = access.DEFAULT_HOST
    serve_token: str | None = None

    def __post_init__(self) -> None:
        cli.check_size(self.size, "--size")
        if not self.window and (self.fullscreen or self.size):
            raise UserError("--fullscreen and --size apply to the window: remove --no-window")
        if self.serve is None and (self.serve_host != access.DEFAULT_HOST or self.serve_token is not None):
            raise UserError("--serve-host and --serve-token apply to the page: add --serve")
        if self.serve is not None:
            access.check(self.serve_host, self.serve_token)
        if self.is_watched:  # whoever watches can also begin a recording, by a key or button
            return
        if self.mirror:
            raise UserError("--mirror applies to the window and the page: add --serve, or remove --no-window")
        if not self.record:
            self._refuse_without_recording()
        elif self.view is not None and (self.records_generated_only or self.view == "generated"):
            raise UserError("expected a --show of 0 to 2 and --record-view side-by-side, or no --show")

    def _refuse_without_recording(self) -> None:
        """Refuse the options that have no effect if there is no window, page or recording."""
        is_without_effect = {
            "--show": self.view is not None,
            "--record-view": self.record_view is not None,
            "--microphone": self.microphone is not None and self.delay_microphone is None,
            "--label": self.label and self.virtual_camera is None,
        }
        for name, is_refused in is_without_effect.items():
            if is_refused:
                raise UserError(f"{name} has no effect: add --record or --serve, or remove --no-window")

    @property
    def is_watched(self) -> bool:
        """Whether there is a window or a page, where the user gives commands."""
        return self.window or self.serve is not None

    @property
    def first_view(self) -> str:
        """What stands beside the face at the start."""
        return self.view or VIEWS[0]

    @property
    def records_generated_only(self) -> bool:
        """Whether recordings show the generated face alone."""
        return self.record_view == "generated"


@dataclass(frozen=True)
class RunOptions:
    """Everything that a run of the loop needs to know.

    Attributes:
        source: What is read.
        models: What is loaded.
        driving: How the driver's face moves the target's.
        outputs: Where the pictures go.
        limit: Frames after which the run ends; None: no limit.
        stats_file: JSON file for the statistics; None: none is written.
    """

    source: SourceOptions
    models: ModelOptions
    driving: DrivingOptions = DrivingOptions()
    outputs: OutputOptions = OutputOptions()
    limit: int | None = None
    stats_file: Path | None = None

    def __post_init__(self) -> None:
        if self.limit is not None and self.limit > MAX_FRAMES:
            raise UserError(f"expected --limit of at most {MAX_FRAMES}, got {self.limit}")
        if len(self.models.generators) > 1 and not self.outputs.is_watched:
            raise UserError("expected one --tf-model, or a window or --serve whose keys switch between them")
        for name in ("microphone", "delay_microphone"):
            if getattr(self.outputs, name) is not None and not self.source.is_live:
                option = f"--{name.replace('_', '-')}"
                raise UserError(f"{option} is for cameras and streams, got {name_of(self.source.path)}")
        if self.outputs.microphone is not None:
            record = self.outputs.record
            if record and recording.CODECS.get(record.suffix.lower(), ("", None))[1] is None:
                raise UserError(f"--microphone: expected a recording that can hold sound, got {record}")

    def check_files(self) -> None:
        """Check that no output would destroy an input, another output, or a file that is not ours.

        Raises:
            UserError: If one would.
        """
        record, calibration = self.outputs.record, self.driving.calibration_file
        inputs = {"--source": self.source.path, "--landmark-model": self.models.landmark_model}
        for number, model in enumerate(self.models.generators, 1):
            inputs[f"--tf-model {number}"] = model
            inputs[f"the weights of --tf-model {number}"] = model.with_suffix(".bin")
        outputs = {"--record": record, "--stats": self.stats_file, "--calibration": calibration}
        files.check_apart(outputs, inputs)
        if record:
            recording.check(record)
        for path, is_ours in ((self.stats_file, stats.is_stats), (calibration, is_calibration)):
            if path:
                files.check_folder(path.parent)
                files.check_replaceable(path, is_ours)
