"""What process.py leaves in its output folder for a later run: with which settings, of which frames."""

import itertools
from pathlib import Path

import msgspec

from face2face import cli, files, pictures, records
from face2face.sources.files import image_paths
from face2face.target.sidecar import (
    LANDMARKS_FOLDER,
    ORIGINAL_FOLDER,
    Sidecar,
    read_sidecar,
)
from face2face.target.video import Number, Video, VideoContent, can_be_one, described
from pix2pix.tools.split import PARTS

OLDER_NAMES = {"edges": "canny"}
"""Names of operations in older versions of this project. The original's `edges` is a network (HED)."""

SETTINGS = ".process.json"
"""The file in an output folder that tells how its images were made, so that a second run can keep them."""

Origins = dict[str, tuple[Video, int]]
"""The video and the number of the frame that an image is of, by the image's name without suffix."""


class Settings(msgspec.Struct, omit_defaults=True):
    """The content of `SETTINGS`.

    Attributes:
        operation: What was done.
        size: Side in pixels, of resize.
        pad: Whether the whole picture was kept, of resize.
        has_provenance: Whether the images contain this project's provenance; those of older versions do not.
        videos: The videos that images are known to be of.
        frames: Index of the video and number of the frame, of images of known origin, by the image's name
            without suffix; None: an older version wrote it, which tells none.
    """

    operation: str
    size: int | None = None
    pad: bool | None = None
    has_provenance: bool = msgspec.field(default=False, name="marked")
    videos: list[VideoContent] = []
    frames: dict[str, tuple[Number, Number]] | None = None

    def origins(self) -> Origins:
        """The origins of the images, as far as they are known."""
        videos = [Video.from_content(video) for video in self.videos]
        return {name: (videos[index], frame) for name, (index, frame) in (self.frames or {}).items()}

    def with_origins(self, origins: Origins) -> "Settings":
        """The same settings, with these origins instead."""
        indices = {video: i for i, video in enumerate(dict.fromkeys(video for video, _ in origins.values()))}
        videos = [VideoContent(**video.to_content()) for video in indices]
        frames = {name: (indices[video], frame) for name, (video, frame) in origins.items()}
        return msgspec.structs.replace(self, videos=videos, frames=frames)


def read_settings(folder: Path) -> Settings | None:
    """Read a folder's settings; None if it has none.

    Raises:
        UserError: If the file is damaged, or something else.
    """
    path = folder / SETTINGS
    if not path.exists():
        return None
    if not path.is_file():
        raise cli.UserError(f"expected a file of settings, got something else: {path}")
    found = records.read(path, Settings, "settings of process.py")
    if any(index >= len(found.videos) for index, _ in (found.frames or {}).values()):
        raise cli.UserError(
            f"expected settings of process.py, got {path} (a frame of a video it does not name)"
        )
    return found


def remember(output_dir: Path, settings: Settings, origins: Origins) -> None:
    """Write the settings file; of an earlier run's, renew what its images are of."""
    found = read_settings(output_dir)
    renewed = (found or settings).with_origins(origins)
    if renewed != found:
        files.write_text(output_dir / SETTINGS, records.encode(renewed, indent=0), lambda _: True)


def check_settings(output_dir: Path, settings: Settings) -> files.IsOurs:
    """Find out which images of a folder an earlier run with the same settings made.

    Returns:
        A function that tells it for each image.

    Raises:
        UserError: If the folder's images were made with other settings.
    """
    if output_dir.exists():
        cli.existing_dir(output_dir, "--output_dir")
    found = read_settings(output_dir)
    if found is None:
        return files.never_ours
    operation = OLDER_NAMES.get(found.operation, found.operation)
    if (operation, found.size, found.pad) != (settings.operation, settings.size, settings.pad):
        how = msgspec.structs.replace(found, videos=[], frames=None)
        made_with = cli.shown(records.encode(how, indent=0).strip())
        raise cli.UserError(f"{output_dir} holds images made with {made_with}: expected a new --output_dir")
    return pictures.is_ours if found.has_provenance else lambda _: True


def check_no_others(output_dir: Path, paths: list[Path], is_ours: files.IsOurs) -> None:
    """Raise `UserError` if an earlier run made images here of files that are no longer there.

    They may be of another target, and would be trained on with the new ones. split.py moves pairs to
    subfolders: these are looked through, too.
    """
    stems = {path.stem for path in paths}
    if others := [path for path in _images_in(output_dir) if path.stem not in stems and is_ours(path)]:
        raise cli.UserError(
            f"expected the images of {paths[0].parent} in {output_dir}, got {len(others)} that earlier ones "
            f"have left there: {others[0]} ... (remove them, or give a new --output_dir)"
        )


def _images_in(output_dir: Path) -> list[Path]:
    """The images of a folder of ours and of those that split.py moves some of them to."""
    folders = [output_dir, *(output_dir / part for part in PARTS)]
    return [path for folder in folders if folder.is_dir() for path in image_paths(folder)]


def origins_of(folder: Path, paths: list[Path], sidecar: Sidecar | None) -> Origins:
    """Find out which frames the images of a folder are of.

    Their sidecar tells it, or else the settings of the run of process.py that made them. Of the pictures of
    generate_train_data.py the sidecar of the drawings tells it, if it names all of them.

    Args:
        folder: Of the images.
        paths: The images.
        sidecar: Of the folder.
    """
    if sidecar is None and (settings := read_settings(folder)):
        found = settings.origins()
        return {path.stem: found[path.stem] for path in paths if path.stem in found}
    whole = folder.absolute()
    if sidecar is None and whole.name == ORIGINAL_FOLDER:
        beside = read_sidecar(whole.parent / LANDMARKS_FOLDER)
        if beside is not None and all(path.name in beside.images for path in paths):
            sidecar = beside
    return _origins_in(sidecar.only(path.name for path in paths)) if sidecar else {}


def _origins_in(sidecar: Sidecar) -> Origins:
    return {Path(name).stem: (sidecar.videos[e.video], e.frame) for name, e in sidecar.images.items()}


def of_both_sides(paths: list[Path], rights: dict[Path, Path], left: Origins, right: Origins) -> Origins:
    """The origins of pairs, from what is known of their halves.

    Args:
        paths: The left halves.
        rights: The right half of each.
        left: The origins of the left halves.
        right: Those of the right halves.

    Raises:
        UserError: If the halves of a pair are of two frames.
    """
    found = {}
    for path in paths:
        origins = [each.get(half.stem) for each, half in ((left, path), (right, rights[path]))]
        known = [origin for origin in origins if origin is not None]
        if len(set(known)) > 1:
            (video, frame), (other, other_frame) = known
            raise cli.UserError(
                f"expected two pictures of one frame to combine, got frame {frame} of "
                f"{cli.shown(video.name)} and frame {other_frame} of {cli.shown(other.name)}: {path}, "
                f"{rights[path]} (make both folders again of the same pairs)"
            )
        if known:
            found[path.stem] = known[0]
    return found


def of_other_frames(output_dir: Path, paths: list[Path], origins: Origins) -> set[Path]:
    """Find the files of which an earlier run has made an image of another frame, or none that is known.

    Raises:
        UserError: If the earlier run's images are of other videos: of another target.
    """
    settings, sidecar = read_settings(output_dir), read_sidecar(output_dir)
    if settings is not None and settings.frames is not None:
        earlier = settings.origins()
    else:
        earlier = _origins_in(sidecar) if sidecar else {}
    there = [path for path in _images_in(output_dir) if path.stem in earlier]
    earlier = {path.stem: earlier[path.stem] for path in there}
    videos = [[v.to_content() for v in {video for video, _ in each.values()}] for each in (earlier, origins)]
    if all(videos) and not any(can_be_one(*both) for both in itertools.product(*videos)):
        names = [", ".join(sorted({video["name"] for video in each})) for each in videos]
        if {video["name"] for video in videos[0]} & {video["name"] for video in videos[1]}:
            names[1] = f"{described(videos[1])} instead of {described(videos[0])}"
        raise cli.UserError(
            f"expected images of {names[0]}, as in {output_dir}, got images of another video, {names[1]}: "
            f"remove the earlier ones ({there[0]} ..., {len(there)} in all), or give a new --output_dir"
        )
    return {path for path in paths if earlier.get(path.stem) != origins.get(path.stem)}
