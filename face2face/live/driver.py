"""The driver's side of a run: what is read, and that nothing of it is written to."""

from dataclasses import dataclass
from pathlib import Path

from face2face import cli, files
from face2face.live import stats
from face2face.live.outputs import OutputOptions
from face2face.live.painter import DrivingOptions
from face2face.output import recording
from face2face.sources.base import Source
from face2face.sources.browser import BrowserSource
from face2face.sources.files import open_source, source_path
from face2face.target.retarget import is_calibration

BROWSER = "browser"
"""The source that is a browser's camera."""


@dataclass(frozen=True)
class SourceOptions:
    """What is read: `source` as `open_source` takes it, or `BROWSER`; the rest as there."""

    source: str
    start: float = 0.0
    end: float | None = None
    camera_size: tuple[int, int] | None = None
    camera_fps: float | None = None

    def open(self) -> Source:
        """Raises: UserError if it cannot be had."""
        if self.source != BROWSER:
            return open_source(self.source, self.start, self.end, self.camera_size, self.camera_fps)
        if self.start or self.end is not None or self.camera_size or self.camera_fps:
            raise cli.UserError("--start, --end, --camera-size and --camera-fps are not for --source browser")
        return BrowserSource()

    @property
    def path(self) -> Path | None:
        """The file or folder that is read, if it is one."""
        return None if self.source == BROWSER else source_path(self.source)


def check_outputs(
    driver: SourceOptions,
    tf_models: list[Path],
    landmark_model: Path,
    driving: DrivingOptions,
    outputs: OutputOptions,
    stats_file: Path | None,
) -> None:
    """Raises: UserError if an output would destroy an input, another output, or a file that is not ours."""
    inputs = {"--source": driver.path, "--landmark-model": landmark_model}
    for number, model in enumerate(tf_models, 1):
        inputs[f"--tf-model {number}"] = model
        inputs[f"the weights of --tf-model {number}"] = model.with_suffix(".bin")
    calibration = driving.calibration_file
    files.check_apart(
        {"--record": outputs.record, "--stats": stats_file, "--calibration": calibration}, inputs
    )
    if outputs.record:
        recording.check(outputs.record)
    if stats_file:
        files.check_replaceable(stats_file, stats.is_stats)
    if calibration:
        files.check_replaceable(calibration, is_calibration)
