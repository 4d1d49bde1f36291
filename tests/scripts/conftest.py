"""What the trainer's command line is tested with."""

from pathlib import Path

import pytest

from face2face import loading
from tests import made

loading.load_tensorflow()  # the tests would import it with packages for plots, more slowly


@pytest.fixture(scope="module")
def pairs(tmp_path_factory) -> Path:
    """A folder of three combined pairs of noise."""
    return made.write_pairs(tmp_path_factory.mktemp("pairs"), 3)


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    """The folder of a small training."""
    return made.training_folder(tmp_path_factory.mktemp("models") / "face2face-model")
