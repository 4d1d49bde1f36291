"""Training pairs on disk: their files, how one is made, and how all are written at once."""

import re
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from face2face import cli, files, pictures
from face2face.face.crop import CropBox
from face2face.face.drawing import LINE_WIDTH, draw, frame_line_width
from face2face.face.eyes import EyeDetector
from face2face.face.winks import visible_irises, with_wink
from face2face.sampling import spread_indices
from face2face.sources.base import Source
from face2face.sources.files import FileSource
from face2face.sources.open import source_path
from face2face.target import selection
from face2face.target.selection import Candidate
from face2face.target.sidecar import (
    LANDMARKS_FOLDER,
    ORIGINAL_FOLDER,
    SIDECAR_NAME,
    Entry,
    Sidecar,
    is_sidecar,
    read_sidecar,
)
from face2face.target.video import MAX_NAME, Video

PAIR_FILE = re.compile(r"[1-9]\d{0,8}\.png")
"""File names of pairs, which are numbered."""

_CONTENT = re.compile(rf"{PAIR_FILE.pattern}|{re.escape(SIDECAR_NAME)}")
"""The files of a folder of a run."""

PREVIEW = "preview.png"
PREVIEW_COLUMNS, PREVIEW_ROWS, PREVIEW_SIDE = 6, 4, 160
"""The contact sheet of `--preview`: columns and rows of pairs, and the side of a picture in pixels."""


@dataclass
class Clip:
    """A source of frames that can be read more than once, and the frames that were selected of it.

    Attributes:
        name: The source's name.
        video: The open source.
        scanned: The frames that were searched for a face.
        chosen: The selected frames.
        crop_box: The fixed crop box; None: whole frames.
    """

    name: str
    video: Source
    scanned: selection.Scan
    chosen: list[Candidate]
    crop_box: CropBox | None = None

    def describe(self) -> Video:
        """The clip as the sidecar names it."""
        box = (self.crop_box.left, self.crop_box.top, self.crop_box.side) if self.crop_box else None
        count = self.video.frame_count if isinstance(self.video, FileSource) else None
        return Video(self.name[:MAX_NAME], self.scanned.frame_size, self.video.fps, box, count)


def check(output_dir: Path, sources: list[str], count: int, overwrite: bool, preview: bool) -> files.IsOurs:
    """Check that a run can write its files without overwriting any other file.

    Pictures of an earlier run have provenance; those of older versions lack it and are listed in the sidecar.

    Args:
        output_dir: Folder of the two folders.
        sources: What will be read.
        count: Number of pairs that will be written, at most.
        overwrite: Whether an earlier run may be replaced.
        preview: Whether the contact sheet will be written.

    Returns:
        A function that tells whether a file is an earlier run's.

    Raises:
        UserError: If a source or another file is in the way.
    """
    folders = [output_dir / ORIGINAL_FOLDER, output_dir / LANDMARKS_FOLDER]
    for folder in folders:
        files.check_folder(folder)
    outputs = {folder.name: folder for folder in folders} | {
        PREVIEW: output_dir / PREVIEW if preview else None
    }
    paths = {f"--file {source}": source_path(source) for source in sources}
    files.check_apart(outputs, paths)
    for folder in folders:
        if not overwrite and folder.is_dir() and not all(map(files.is_scratch, folder.iterdir())):
            raise cli.UserError(f"{folder} holds data already: expected an empty place, or --overwrite")
    places = [folder.resolve() for folder in folders]
    known = read_sidecar(output_dir / LANDMARKS_FOLDER)
    listed = set(known.images) if known else set()
    if any(pictures.is_ours(folder / name) for folder in folders for name in listed):
        listed = set()

    def is_of_earlier_run(path: Path) -> bool:
        place = path.parent.resolve()
        if path.name == SIDECAR_NAME:
            return place == places[-1] and is_sidecar(path)
        is_pair = place in places and PAIR_FILE.fullmatch(path.name) is not None
        return is_pair and (path.name in listed or pictures.is_ours(path))

    for folder in folders:
        for path in folder.iterdir() if folder.is_dir() else []:
            if path.name == SIDECAR_NAME or is_new_pair(path.name, count + len(sources)):
                files.check_replaceable(path, is_of_earlier_run)
    if preview:
        files.check_replaceable(output_dir / PREVIEW, pictures.is_ours)
    return is_of_earlier_run


def is_new_pair(name: str, count: int) -> bool:
    """Whether a file's name is that of one of the first `count` pairs."""
    return PAIR_FILE.fullmatch(name) is not None and int(Path(name).stem) <= count


def write(
    clips: list[Clip],
    output_dir: Path,
    drawing: str,
    preview: bool,
    is_ours: files.IsOurs,
    eye_detector: EyeDetector | None = None,
) -> int:
    """Write 1.png ... into both folders, and the sidecar, and replace those of an earlier run.

    No file is replaced before all are written. Then the old sidecar is removed first, and the new one is
    moved into place last: folders without a sidecar are unfinished.

    Args:
        clips: The selected frames.
        output_dir: Folder of the two folders.
        drawing: Style of the drawings, a key of `drawing.DRAWINGS`.
        preview: Whether to write the contact sheet.
        is_ours: Whether a file may be replaced.
        eye_detector: Sees winks and irises; None: neither is drawn.

    Returns:
        The number of pairs.

    Raises:
        UserError: If none of the selected frames could be read again, or another file is in the way.
        OSError: If a file cannot be written.
    """
    sidecar = Sidecar([clip.describe() for clip in clips], drawing=drawing)
    with ExitStack() as stack:  # on leaving, files are moved into place in reverse order
        place = files.whole_file(output_dir / PREVIEW, pictures.is_ours)
        sheet = stack.enter_context(place) if preview else None
        place = files.whole_folder(output_dir / LANDMARKS_FOLDER, is_ours, SIDECAR_NAME, _CONTENT)
        drawings = stack.enter_context(place)
        place = files.whole_folder(output_dir / ORIGINAL_FOLDER, is_ours, "1.png", _CONTENT)
        originals = stack.enter_context(place)
        with cli.progress(sum(len(clip.chosen) for clip in clips), "writing pairs", "pairs") as bar:
            for index, clip in enumerate(clips):
                points_of = {candidate.number: candidate.face.points for candidate in clip.chosen}
                for frame in clip.video.frames(points_of):
                    file = f"{len(sidecar.images) + 1}.png"
                    points, irises = points_of[frame.number], None
                    if eye_detector is not None:
                        eyes = eye_detector.find(frame.picture, points)
                        points, irises = with_wink(points, eyes), visible_irises(eyes)
                    entry = Entry(index, frame.number, points, frame_line_width(drawing), irises)
                    picture = cv2.cvtColor(frame.picture, cv2.COLOR_BGR2RGB)
                    picture, drawn, entry = pair(picture, entry, clip.crop_box, drawing)
                    pictures.write(originals / file, picture)
                    pictures.write(drawings / file, drawn)
                    sidecar.images[file] = entry
                    bar.update()
        if not sidecar.images:
            raise cli.UserError(
                "expected the chosen frames once more, got none: did the video change meanwhile?"
            )
        sidecar.write(drawings)
        if sheet is not None:
            pictures.write(sheet, contact_sheet(originals, drawings, list(sidecar.images)))
        # The originals are moved into place first: from then on the old sidecar would be wrong.
        (output_dir / LANDMARKS_FOLDER / SIDECAR_NAME).unlink(missing_ok=True)
    if sheet is not None:
        print(f"wrote {output_dir / PREVIEW}")
    return len(sidecar.images)


def contact_sheet(originals: Path, drawings: Path, names: list[str]) -> np.ndarray:
    """Draw evenly spread pairs, each picture above its drawing.

    Args:
        originals: Folder of the pictures.
        drawings: Folder of the drawings.
        names: File names of the pairs.

    Returns:
        uint8 (H, W, 3), RGB.
    """
    count = PREVIEW_COLUMNS * PREVIEW_ROWS
    cells = np.zeros((count, 2 * PREVIEW_SIDE, PREVIEW_SIDE, 3), np.uint8)
    for cell, index in zip(cells, spread_indices(len(names), min(len(names), count)), strict=False):
        for half, folder in zip(np.split(cell, 2), (originals, drawings), strict=True):
            picture = pictures.read(folder / names[index])
            half[:] = CropBox.padded(*picture.shape[1::-1]).picture(picture, PREVIEW_SIDE)
    rows = [np.hstack(cells[r : r + PREVIEW_COLUMNS]) for r in range(0, count, PREVIEW_COLUMNS)]
    return np.vstack(rows)


def pair(
    frame: np.ndarray, entry: Entry, crop_box: CropBox | None, style: str
) -> tuple[np.ndarray, np.ndarray, Entry]:
    """Make a training pair of a frame.

    Without a crop box the picture is the whole frame. Its lines are as wide as model space needs after the
    frame's central square is scaled to it.

    Args:
        frame: uint8 (H, W, 3), RGB.
        entry: The frame's origin and landmarks, in pixels of the frame.
        crop_box: None: the whole frame.
        style: A key of `drawing.DRAWINGS`.

    Returns:
        The picture, uint8 (S, S, 3) or as the frame, RGB; the drawing, of the same size; the entry of the
        picture.
    """
    if crop_box is not None:
        points = crop_box.points(entry.points)
        irises = None if entry.irises is None else crop_box.points(entry.irises)
        entry = replace(entry, points=points, irises=irises)
        return crop_box.picture(frame), entry.draw(crop_box.side, style), entry
    height, width = frame.shape[:2]
    square, middle = CropBox.padded(width, height), CropBox.centre(width, height)
    irises = None if entry.irises is None else square.points(entry.irises)
    line_width = entry.line_width or middle.side * LINE_WIDTH
    drawing = draw(square.points(entry.points), square.side, style, line_width, irises)
    top, left = -square.top, -square.left
    return frame, drawing[top : top + height, left : left + width], entry
