"""Pictures of two people in two places, for tests of who is followed."""

from pathlib import Path

import numpy as np

from face2face import pictures
from face2face.sources.open import open_source

WIDTH, HEIGHT = 320, 360
"""Of each place, in pixels. A frame is twice as wide."""


def people(clips: Path) -> dict[str, np.ndarray]:
    """Pictures of a man "m", a woman "w", whose face is larger, and nobody "-", uint8 (H, W, 3), BGR."""
    found = {"-": np.full((HEIGHT, WIDTH, 3), 60, np.uint8)}
    for name, clip, number, left in (
        ("m", "single_face.mp4", 0, 130),
        ("w", "WolfgangLanger_Pexels.mp4", 300, 280),
    ):
        with open_source(str(clips / clip)) as video:
            found[name] = next(video.frames({number})).picture[:, left : left + WIDTH]
    return found


def picture(people: dict[str, np.ndarray], scene: str) -> np.ndarray:
    """A frame, uint8 (H, 2 W, 3), BGR: in "mw", the man is at the left, and the woman at the right."""
    return np.hstack([people[who] for who in scene])


def write(people: dict[str, np.ndarray], scenes: str, folder: Path) -> Path:
    """A clip of some scenes, as a folder of pictures."""
    for number, scene in enumerate(scenes.split()):
        pictures.write(folder / f"{number}.png", picture(people, scene)[..., ::-1])
    return folder
