"""What the tests of the trainer share."""

import functools
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from face2face import loading

loading.load_tensorflow()  # the tests would import it with packages for plots, more slowly

from tests.originals import original_training  # noqa: E402


@pytest.fixture(scope="session")
def original_of(tmp_path_factory) -> Callable[..., tuple[Path, np.ndarray]]:
    """Makes training folders of the original trainer, each once, and what its generator paints.

    The arguments are those of `original_training` after the folder.
    """

    @functools.cache
    def make(spelling: str, separable: bool = False) -> tuple[Path, np.ndarray]:
        folder = tmp_path_factory.mktemp("original") / "model"
        return folder, original_training(folder, spelling, separable)

    return make
