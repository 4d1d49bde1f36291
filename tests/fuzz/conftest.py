"""What the fuzz tests share."""

import sys

import pytest

if sys.platform != "linux":
    collect_ignore_glob = ["test_fuzz_*.py"]  # memory and time are measured in Linux's words

from tests.fuzz import harness


@pytest.fixture(scope="module")
def process():
    with harness.child() as child:
        yield child
