# The tutorial and the served page in a container, on a processor.
#
#   docker build -t face2face .
#   docker run --rm -it -p 8765:8765 -e TOKEN=SECRET face2face
#
# serves the page of the shipped model: open http://localhost:8765/?token=SECRET. A container has no camera; the page
# takes your browser's. Another model, and the demo, whose results come to ./demo:
#
#   docker run --rm -it -p 8765:8765 -e TOKEN=SECRET -e MODEL=/model/frozen_model.pb \
#       -v "$PWD/face2face-reduced-model:/model:ro" face2face
#   mkdir -p demo && chmod a+rwx demo && docker run --rm -it -v "$PWD/demo:/face2face/demo" face2face python examples/demo.py
FROM python:3.12-slim

# OpenCV shows no window here, but its library loads what it would need for one.
RUN apt-get update -q \
    && apt-get install -y -q --no-install-recommends libgl1 libglib2.0-0 \
    && rm -rf /var/lib/apt/lists/*

WORKDIR /face2face
COPY requirements.txt .
RUN python -m pip install --no-cache-dir --disable-pip-version-check -r requirements.txt

COPY . .
RUN useradd --create-home painter && mkdir -p demo samples && chown painter demo samples
USER painter

ENV MODEL=models/woman.pb
EXPOSE 8765
CMD ["sh", "-c", "exec python run_webcam.py --source browser --serve 8765 --serve-host 0.0.0.0 --serve-token \"${TOKEN:?give -e TOKEN=SECRET}\" --tf-model \"$MODEL\""]
