"""Inputs that the fuzzing found faults with: each one's fault stays away."""

import json

import pytest

from tests.fuzz import test_fuzz_json, test_fuzz_outputs
from tests.fuzz.valid import pairs_sidecar

OUTPUTS = {reader.name: reader for reader in test_fuzz_outputs.READERS}
JSON = {reader.name: reader for reader in test_fuzz_json.READERS}

PIPE = ("pipe", "")
PAIRS = test_fuzz_outputs.filled("a")

WRITTEN = {
    "the last file is somebody else's": (
        "rule of outputs",
        ({"out/a.png": ("foreign", "")}, [("folder", "out", "whole", set(), "a.png", False)]),
    ),
    "a link that leads nowhere is in the way": (
        "rule of outputs",
        ({"out/a.png": ("nowhere", "")}, [("folder", "out", "whole", {"a.png"}, "index.json", False)]),
    ),
    "a link to itself": ("rule of outputs", ({"out": ("file", "out")}, [("file", "out", "whole")])),
    "a circle of links": ("rule of outputs", ({"out": ("file", "out/b")}, [("apart", {"out"}, set())])),
    "a pipe as a picture": ("process.py", (PAIRS | {"a/1.png": PIPE}, ("a", "out", "resize", "b", 8))),
    "a pipe as an older pair": ("split.py", (PAIRS | {"a/val/10.png": PIPE}, (0.9, "shuffle", 1))),
    "a pipe as a pair": (
        "generate_train_data.py",
        ({"landmarks/landmarks.json": ("sidecar", ""), "original/1.png": PIPE}, (1, True, True)),
    ),
}


@pytest.mark.parametrize("name, data", WRITTEN.values(), ids=WRITTEN)
def test_outputs(name, data, process):
    verdict = process.ask(OUTPUTS[name], data)
    assert not verdict.is_fault, verdict.text


def test_a_target_with_videos_and_no_face(process):
    content = json.loads(test_fuzz_json.targets()[0])
    del content["face"]
    verdict = process.ask(JSON["target.json"], json.dumps(content).encode())
    assert not verdict.is_fault, verdict.text


def test_a_sidecar_of_faces_that_are_one_point(process):
    content = json.loads(test_fuzz_json.sidecars()[0])
    name = next(iter(pairs_sidecar().images))
    content["images"] = {name: content["images"][name] | {"points": [[7.0, 7.0]] * 68}}
    verdict = process.ask(JSON["landmarks.json"], json.dumps(content).encode())
    assert not verdict.is_fault, verdict.text
