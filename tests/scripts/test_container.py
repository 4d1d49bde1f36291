"""The Dockerfile: built, and served where a Docker daemon answers; elsewhere, that its parts fit."""

import re
import shutil
import subprocess
import sys
import urllib.request
import uuid
from pathlib import Path

import pytest

from face2face.output.page import access
from tests import made

DOCKERFILE = (made.ROOT / "Dockerfile").read_text()


def has_docker() -> bool:
    """Whether a Docker daemon answers."""
    docker = shutil.which("docker")
    return docker is not None and subprocess.run([docker, "info"], capture_output=True).returncode == 0


def test_its_parts_are_there_and_the_page_has_its_port():
    for source in re.findall(r"^COPY (\S+) ", DOCKERFILE, re.M):
        assert (made.ROOT / source).exists()
    (model,) = re.findall(r"^ENV MODEL=(\S+)$", DOCKERFILE, re.M)
    assert (made.ROOT / model).is_file()
    assert set(re.findall(r"(?:EXPOSE|--serve) (\d+)", DOCKERFILE)) == {str(access.DEFAULT_PORT)}
    ignored = (made.ROOT / ".dockerignore").read_text().split()
    assert not {"models", "examples", "face2face", "pix2pix", "requirements.txt"} & set(ignored)


def test_its_command_is_one_that_the_script_takes():
    """With the token that it asks for, and not without."""
    (command,) = re.findall(r'^CMD \["sh", "-c", "exec (.*)"\]$', DOCKERFILE, re.M)
    command = command.replace('\\"', '"').replace("--source browser", "--source no-such-file.mp4")
    environment = {"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin", "MODEL": "models/woman.pb"}
    run = {"shell": True, "cwd": made.ROOT, "capture_output": True, "text": True, "timeout": 120}
    without = subprocess.run(command, env=environment, **run)
    assert without.returncode == 2 and "give -e TOKEN=SECRET" in without.stderr
    given = subprocess.run(command, env=environment | {"TOKEN": "secret"}, **run)
    assert given.returncode == 2 and "no-such-file.mp4" in given.stderr  # all else was accepted


@pytest.mark.skipif(not has_docker(), reason="no Docker daemon answers here")
def test_the_container_serves_the_page_and_is_not_root():
    tag = f"face2face-test-{uuid.uuid4().hex[:8]}"
    subprocess.run(["docker", "build", "--quiet", "--tag", tag, made.ROOT], check=True, timeout=1800)
    try:
        whoami = subprocess.run(["docker", "run", "--rm", tag, "whoami"], capture_output=True, text=True)
        assert whoami.stdout.strip() == "painter"
        port = access.DEFAULT_PORT
        run = ["docker", "run", "--rm", "--detach", "--name", tag, "--publish", f"127.0.0.1::{port}"]
        subprocess.run([*run, "--env", "TOKEN=secret", tag], check=True, capture_output=True)
        ports = subprocess.run(["docker", "port", tag, str(port)], capture_output=True, text=True)
        address = f"http://{ports.stdout.split()[0]}/?token=secret"

        def answers() -> bool:
            try:
                return urllib.request.urlopen(address, timeout=5).status == 200
            except OSError:
                return False

        made.until(answers, 120)
    finally:
        subprocess.run(["docker", "rm", "--force", tag], capture_output=True)
        subprocess.run(["docker", "rmi", "--force", tag], capture_output=True)
