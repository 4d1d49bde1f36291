"""What several test files share: the sample clips, made photos, a small model."""

import ctypes.util
import shutil
import subprocess
from pathlib import Path

import pytest

from examples import samples
from face2face import pictures
from face2face.output.controls import Controls, State
from face2face.output.page.server import Server
from tests import made


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory):
    """What is kept of models is kept here, and not with the user's own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


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
        pictures.write(folder / f"{i}.png", made.noise(made.HEIGHT, made.WIDTH, seed=i))
    return folder


@pytest.fixture(scope="session")
def frozen_model(tmp_path_factory) -> Path:
    """A frozen graph of 64 pixels and random weights, that knows a target's face."""
    import freeze_model
    import reduce_model

    folder = tmp_path_factory.mktemp("frozen-model")
    reduce_model.reduce(made.training_folder(folder / "face2face-model"), folder / "reduced")
    return freeze_model.freeze(folder / "reduced")


@pytest.fixture
def loopback(tmp_path, monkeypatch):
    """A PulseAudio server whose default microphone hears what is played."""
    if not all(map(shutil.which, ("pulseaudio", "pactl", "pacat"))):
        pytest.skip("needs PulseAudio (apt-get install pulseaudio pulseaudio-utils libasound2-plugins)")
    if not ctypes.util.find_library("portaudio"):
        pytest.skip("needs PortAudio (apt-get install libportaudio2)")
    socket = tmp_path / "socket"
    for variable in ("HOME", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(variable, str(tmp_path))
    monkeypatch.setenv("PULSE_SERVER", f"unix:{socket}")
    modules = [f"module-native-protocol-unix socket={socket}", "module-null-sink sink_name=played"]
    command = ["pulseaudio", "-n", "--exit-idle-time=-1", "--use-pid-file=no", "--daemonize=no"]
    server = subprocess.Popen(
        [*command, *(each for module in modules for each in ("-L", module))],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        made.until(lambda: not subprocess.run(["pactl", "info"], capture_output=True).returncode)
        yield
    finally:
        server.terminate()
        server.wait(timeout=10)


@pytest.fixture
def serve():
    """Makes servers of any free port, and closes them."""
    servers = []

    def make(**options) -> Server:
        servers.append(Server(Controls(), State(), port=0, **options))
        return servers[-1]

    yield make
    for server in servers:
        server.close()
