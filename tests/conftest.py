"""What several test files share: the sample clips."""

from pathlib import Path

import pytest

from examples import samples


@pytest.fixture(scope="session")
def clips() -> Path:
    """The folder of the sample clips, fetched once."""
    return samples.fetch()
