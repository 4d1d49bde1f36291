"""The target of a training: measured on its pairs, and compared with that of the training in its folder."""

from pathlib import Path

import numpy as np

from face2face import cli, files
from face2face.target.sidecar import SIDECAR_NAME, Sidecar
from face2face.target.target_file import TARGET_NAME, Target, is_target, read_target
from face2face.target.video import can_be_one, described
from pix2pix.options import Options


def measure(sidecar: Sidecar, input_dir: Path, opts: Options) -> Target | None:
    """Measure the target's face on the landmarks of the pairs.

    Where `aspect_ratio` is not 1, pairs are squeezed to model space and no face is measured. The target then
    holds only the style of the drawings and the training frames.

    Returns:
        None for pairs without landmarks.

    Raises:
        UserError: If the landmarks cannot be those of one face.
    """
    path = input_dir / SIDECAR_NAME
    if not sidecar.images:
        return None
    try:
        target = Target.measure(sidecar, opts.image_size, with_face=opts.aspect_ratio == 1)
        Target.from_json(target.to_json(), f"what was measured on {path}")
    except (np.linalg.LinAlgError, cli.UserError) as error:
        raise cli.UserError(f"expected the landmarks of one face, got others: {path} ({error})") from None
    return target


def check(target: Target | None, output_dir: Path) -> None:
    """Check that the training in a folder, if there is one, is of this target.

    Two trainings are of one target if they have a video in common: new pairs of it may be added.

    Raises:
        UserError: If they have none, as the training would mix two faces; if `target.json` is another file.
    """
    files.check_replaceable(output_dir / TARGET_NAME, is_target)
    trained, given = read_target(output_dir), target.videos if target else []
    if trained and trained.videos and not _knows_one_of(trained, given):
        raise cli.UserError(
            f"expected pairs of {described(trained.videos)}, as in {output_dir}, got pairs of "
            f"{described(given) or 'no known video'} (for another target give a new --output_dir; "
            "--checkpoint begins with the weights of a training)"
        )


def check_pairs(target: Target | None, pairs: Path, sidecar: Sidecar) -> None:
    """Check that pairs with landmarks are of a generator's target: one of their videos has to be.

    Raises:
        UserError: If none is.
    """
    given = [video.to_content() for video in sidecar.videos]
    if target and target.videos and given and not _knows_one_of(target, given):
        raise cli.UserError(
            f"expected pairs of {described(target.videos)}, which the generator was trained on, got pairs "
            f"of {described(given)}: {pairs}"
        )


def _knows_one_of(target: Target, videos: list[dict]) -> bool:
    """Whether a target was filmed in one of these videos, as far as their headers tell."""
    return any(can_be_one(known, video) for known in target.videos for video in videos)
