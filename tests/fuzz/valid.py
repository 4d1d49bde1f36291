"""Valid files that several groups of readers begin with."""

import functools
import io

import av
import numpy as np
from PIL import Image

from face2face import pictures
from face2face.target import sidecar
from tests import made

SIZE = 64
"""Of model space, in pixels."""

FRAME = (640, 480)
"""Of a driver's or target's video, in pixels."""


def pairs_sidecar(count: int = 4) -> sidecar.Sidecar:
    """What is known of some pairs."""
    video = sidecar.Video("made.mp4", FRAME, 25.0, (61, 0, 288), 1000)
    entries = {f"{i}.png": sidecar.Entry(0, 7 * i, made.points(SIZE, i)) for i in range(1, count + 1)}
    return sidecar.Sidecar([video], entries)


@functools.cache
def picture_files() -> list[bytes]:
    """PNG, JPEG, BMP and WebP of several kinds, and what this project writes."""
    picture = made.noise(12, 16)
    rgb = Image.fromarray(picture)
    exif = Image.Exif()
    exif[0x0112] = 6  # turned
    saved = [
        (rgb, "PNG", {}),
        (rgb.convert("RGBA"), "PNG", {"compress_level": 0}),
        (rgb.quantize(16), "PNG", {"bits": 4}),
        (Image.fromarray(picture[..., 0].astype(np.uint16) << 8), "PNG", {}),
        (rgb, "JPEG", {"exif": exif}),
        (rgb, "JPEG", {"progressive": True, "subsampling": 2}),
        (rgb.convert("CMYK"), "JPEG", {}),
        (rgb, "BMP", {}),
        (rgb.quantize(16), "BMP", {}),
        (rgb, "WEBP", {"lossless": True}),
        (rgb, "WEBP", {"quality": 40}),
    ]
    found = [pictures.encode(picture, ending, xmp=b"<x/>") for ending in (".png", ".jpg")]
    for image, kind, settings in saved:
        file = io.BytesIO()
        image.save(file, kind, **settings)
        found.append(file.getvalue())
    return found


@functools.cache
def video_files(with_sound: bool = False) -> list[bytes]:
    """A few frames each of MP4, in one piece and in fragments, MOV, MKV, WebM and GIF."""
    kinds = [
        ("mp4", "libx264", "aac", {}),
        ("mp4", "libx264", "aac", {"movflags": "frag_keyframe+empty_moov"}),
        ("mov", "libx264", "aac", {}),
        ("matroska", "libx264", "aac", {}),
        ("webm", "libvpx-vp9", "libopus", {}),
        ("gif", "gif", None, {}),
    ]
    if with_sound:
        kinds = kinds[:-1]
    return [_encoded(*kind, with_sound=with_sound) for kind in kinds]


def _encoded(kind: str, codec: str, sound_codec: str | None, settings: dict, with_sound: bool) -> bytes:
    file = io.BytesIO()
    with av.open(file, "w", kind, options=settings) as container:
        stream = container.add_stream(codec, 10, width=32, height=32)
        stream.pix_fmt = "rgb8" if kind == "gif" else "yuv420p"
        sound = container.add_stream(sound_codec, 48_000) if with_sound else None
        for i in range(6):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(made.noise(32, 32, i), "rgb24")))
        container.mux(stream.encode())
        if sound is not None:
            samples = np.sin(np.arange(9600) / 20).astype(np.float32)[None]
            piece = av.AudioFrame.from_ndarray(samples, "fltp", "mono")
            piece.sample_rate = 48_000
            container.mux(sound.encode(piece))
            container.mux(sound.encode())
    return file.getvalue()
