"""What several test files share: the sample clips, made photos."""

from pathlib import Path

import pytest

from examples import samples
from pix2pix import images
from tests import made


@pytest.fixture(scope="session")
def clips() -> Path:
    """The folder of the sample clips, fetched once."""
    return samples.fetch()


@pytest.fixture
def photos(tmp_path) -> Path:
    """Six pictures."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for i in range(1, 7):
        images.write(folder / f"{i}.png", made.noise(made.HEIGHT, made.WIDTH, seed=i))
    return folder
