"""The colours of a GIF's pictures."""

from fractions import Fraction

TIME_BASE = Fraction(1, 100)
"""Of a GIF's time stamps, in seconds."""


class Palettes:
    """Gives each picture the 256 colours that suit it: a GIF's. Called with None, it gives the last ones."""

    def __init__(self, width: int, height: int):
        import av

        self._av, self._graph = av, av.filter.Graph()
        source = self._graph.add_buffer(
            width=width, height=height, format=av.VideoFormat("rgb24"), time_base=TIME_BASE
        )
        split = self._graph.add("split")
        choose = self._graph.add("palettegen", "stats_mode=single:reserve_transparent=0")
        use = self._graph.add("paletteuse", "new=1:dither=bayer:bayer_scale=4")
        sink = self._graph.add("buffersink")
        source.link_to(split)
        split.link_to(choose, 0, 0)
        split.link_to(use, 1, 0)
        choose.link_to(use, 0, 1)
        use.link_to(sink)
        self._graph.configure()
        self._source, self._sink = source, sink

    def __call__(self, frame) -> list:
        self._source.push(frame)
        coloured = []
        while True:
            try:
                coloured.append(self._sink.pull())
            except (self._av.BlockingIOError, self._av.EOFError):
                return coloured
