"""The face as a camera for video calls: pyvirtualcam with a driver that keeps what it is sent."""

import numpy as np
import pytest

import run_webcam
from face2face import pictures
from face2face.cli import UserError
from face2face.output import virtual_camera
from face2face.output.virtual_camera import HEIGHT, WIDTH, VirtualCamera
from tests.made import edge

pyvirtualcam = pytest.importorskip("pyvirtualcam")


class Driver:
    """What a driver is to pyvirtualcam."""

    sent: list[np.ndarray]

    def __init__(self, *, width, height, fps, fourcc, device):
        if device not in (None, "a camera"):
            raise RuntimeError(f"there is no {device}")
        self._shape = (height, width, 3)
        Driver.sent, Driver.fps, Driver.closed = [], fps, False

    def send(self, frame):
        Driver.sent.append(frame.reshape(self._shape).copy())

    def close(self):
        Driver.closed = True

    def device(self):
        return "a camera"

    def native_fourcc(self):
        return None


@pytest.fixture
def driver(monkeypatch):
    monkeypatch.setattr(pyvirtualcam.camera, "BACKENDS", {"test": Driver})
    return Driver


@pytest.mark.parametrize("options", [["--virtual-camera"], ["--virtual-camera", "a camera"]])
def test_the_face_is_what_the_camera_shows(
    driver, options, frozen_model, clips, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    arguments = [
        "--tf-model",
        frozen_model,
        "--source",
        clips / "single_face.mp4",
        "--no-window",
        "--limit",
        5,
    ]
    record = ["--record", "faces", "--record-view", "generated"]
    assert edge(run_webcam.main, *arguments, *record, *options) == 0
    assert "the virtual camera: a camera" in capsys.readouterr().out
    assert len(driver.sent) == 5 and driver.closed
    face = driver.sent[-1]
    assert face.shape == (HEIGHT, WIDTH, 3)
    side = (WIDTH - HEIGHT) // 2
    assert not face[:, : side - 1].any() and not face[:, -side + 1 :].any()
    expected = virtual_camera.fit(pictures.read(tmp_path / "faces/5.png"), WIDTH, HEIGHT)
    assert np.array_equal(face, expected)  # RGB, as it was painted


@pytest.mark.parametrize(
    "system, hint",
    [("Linux", "install v4l2loopback"), ("Darwin", "install OBS"), ("Windows", "install OBS")],
)
def test_without_a_driver_it_is_said_what_to_install(system, hint, driver, monkeypatch):
    monkeypatch.setattr("platform.system", lambda: system)
    with pytest.raises(UserError, match=f"^virtual camera nowhere cannot be opened: {hint}") as raised:
        VirtualCamera("nowhere", 25.0)
    assert "\n" not in str(raised.value)
