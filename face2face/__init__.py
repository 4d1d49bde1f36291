"""What the scripts of the project share. Importing any of it imports no TensorFlow."""

import os

# OpenCV and the FFmpeg inside it print warnings of their own; our errors are one line that says it all.
# Both read these when they are loaded.
os.environ.setdefault("OPENCV_LOG_LEVEL", "SILENT")
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")

# Without this TensorFlow uses oneDNN only on processors with AVX-512 or AMX. Where there is only AVX2, a
# training step takes 0.8 times as long with it.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
