"""What an earlier run of process.py left in its output folder: with which settings, of which frames."""

import itertools
from pathlib import Path

import msgspec

from face2face import cli, files, pictures, records
from face2face.sources.files import image_paths
from face2face.target.sidecar import Sidecar, Video, read_sidecar
from pix2pix.tools.split import PARTS

OLDER_NAMES = {"edges": "canny"}
"""Names of operations in older versions of this project. The original's `edges` is a network (HED)."""

SETTINGS = ".process.json"
"""The file in an output folder that tells how its images were made, so that a second run can keep them."""


class Settings(msgspec.Struct, omit_defaults=True):
    """The content of `SETTINGS`.

    Attributes:
        operation: What was done.
        size: Side in pixels, of resize.
        pad: Whether the whole picture was kept, of resize.
        has_provenance: Whether the images contain this project's provenance; those of older versions do not.
    """

    operation: str
    size: int | None = None
    pad: bool | None = None
    has_provenance: bool = msgspec.field(default=False, name="marked")


def check_settings(output_dir: Path, settings: Settings) -> files.IsOurs:
    """Find out which images of a folder an earlier run with the same settings made.

    Returns:
        A function that tells it for each image.

    Raises:
        UserError: If the folder's images were made with other settings.
    """
    if output_dir.exists():
        cli.existing_dir(output_dir, "--output_dir")
    path = output_dir / SETTINGS
    if not path.exists():
        return files.never_ours
    if not path.is_file():
        raise cli.UserError(f"expected a file of settings, got something else: {path}")
    found = records.read(path, Settings, "settings of process.py")
    operation = OLDER_NAMES.get(found.operation, found.operation)
    if (operation, found.size, found.pad) != (settings.operation, settings.size, settings.pad):
        made_with = cli.shown(records.encode(found, indent=0).strip())
        raise cli.UserError(f"{output_dir} holds images made with {made_with}: expected a new --output_dir")
    return pictures.is_ours if found.has_provenance else lambda _: True


def check_no_others(output_dir: Path, paths: list[Path], is_ours: files.IsOurs) -> None:
    """Raise `UserError` if an earlier run made images here of files that are no longer there.

    They may be of another target, and would be trained on with the new ones. split.py moves pairs to
    subfolders: these are looked through, too.
    """
    stems = {path.stem for path in paths}
    folders = [output_dir, *(output_dir / part for part in PARTS)]
    there = [path for folder in folders if folder.is_dir() for path in image_paths(folder)]
    if others := [path for path in there if path.stem not in stems and is_ours(path)]:
        raise cli.UserError(
            f"expected the images of {paths[0].parent} in {output_dir}, got {len(others)} that earlier ones "
            f"have left there: {others[0]} ... (remove them, or give a new --output_dir)"
        )


def of_other_frames(output_dir: Path, paths: list[Path], sidecar: Sidecar) -> set[Path]:
    """Find the files of which an earlier run has made an image of another frame of the same target.

    Raises:
        UserError: If the earlier run's images are of other videos: of another target.
    """
    earlier = read_sidecar(output_dir)
    if earlier is None or not earlier.images:
        return set()
    if not any(_can_be_one(*both) for both in itertools.product(earlier.videos, sidecar.videos)):
        names = [", ".join(sorted({video.name for video in each.videos})) for each in (earlier, sidecar)]
        raise cli.UserError(
            f"expected images of {names[0]}, as in {output_dir}, got images of another video, {names[1]}: "
            "remove those, or give a new --output_dir"
        )
    return {path for path in paths if earlier.source_of(path.name) != sidecar.source_of(path.name)}


def _can_be_one(video: Video, other: Video) -> bool:
    """Whether two videos are one as far as their headers tell; older files have no number of frames."""
    counts = {video.frame_count, other.frame_count} - {None}
    return (video.name, video.frame_size) == (other.name, other.frame_size) and len(counts) < 2
