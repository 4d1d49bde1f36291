"""The plate of a training: measured on the photos of its pairs."""

from pathlib import Path

import numpy as np

from face2face.sampling import spread_indices
from face2face.target.plate import MAX_PHOTOS, Plate
from face2face.target.sidecar import Sidecar
from face2face.target.target_file import Target
from pix2pix import dataset, images
from pix2pix.options import Options


def measure(pairs: list[Path], sidecar: Sidecar, target: Target | None, opts: Options) -> Plate | None:
    """Find what holds still in the photos of the pairs.

    Args:
        pairs: Files of the training pairs.
        sidecar: Their landmarks, in model space.
        target: What was measured on the landmarks.
        opts: The options of the training.

    Returns:
        None if hardly anything holds still, or if it cannot be measured: the landmarks are unknown, the
        generator does not paint photos, or the pairs are mirrored.
    """
    if target is None or target.face is None or not opts.paints_photos or opts.flip:
        return None
    entries = {path: sidecar.images[path.name] for path in pairs if path.name in sidecar.images}
    known = sorted(entries, key=lambda path: (entries[path].video, entries[path].frame))
    chosen = [known[i] for i in spread_indices(len(known), min(len(known), MAX_PHOTOS))]
    photos = [images.squeeze(dataset.read_pair(path, opts)[1], opts.image_size) for path in chosen]
    points = np.array([entry.points for entry in entries.values()])
    return Plate.measure(np.array(photos), points, target.face)
