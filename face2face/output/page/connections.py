"""Which connections to the page are kept when more come than there are places for."""

import contextlib
import socket
import threading
import time
from dataclasses import dataclass

MOST_CONNECTIONS = 64
MOST_OF_ONE_ADDRESS = 32
MOST_STREAMS = 16
MOST_STREAMS_OF_ONE_ADDRESS = 8


@dataclass
class _Place:
    """address: the client's. since: when the client began what it does now, in monotonic seconds."""

    address: str
    since: float
    is_stream: bool = False


class Connections:
    """The open connections. A new one is always let in; where it is one too many, another has to make way.

    That is the one that has gone the longest without a step forward: a client that sends nothing, or sends or
    reads slowly. Honest requests take milliseconds. Streams are meant to last, so they do not make way; they
    are limited below the number of places instead, so that some are always left for requests. The limits of
    one address are below the limits of all, so that no other machine can take every place. On the loopback
    all clients have one address: there the streams' limit and the oldest's making way keep places free.
    """

    def __init__(self):
        self._lock = threading.Lock()
        self._places: dict[socket.socket, _Place] = {}

    def __len__(self) -> int:
        return len(self._places)

    def enter(self, connection: socket.socket, address: str) -> None:
        """Take a place, if need be that of the connection that has waited longest."""
        with self._lock:
            own = [each for each, place in self._places.items() if place.address == address]
            if len(own) >= MOST_OF_ONE_ADDRESS:
                self._make_way(own)
            elif len(self._places) >= MOST_CONNECTIONS:
                self._make_way(list(self._places))
            self._places[connection] = _Place(address, time.monotonic())

    def _make_way(self, connections: list[socket.socket]) -> None:
        candidates = [each for each in connections if not self._places[each].is_stream]
        oldest = min(candidates, key=lambda each: self._places[each].since)
        del self._places[oldest]
        _shut(oldest, socket.SHUT_RDWR)  # its thread reads an end, or fails to write, and closes it

    def step(self, connection: socket.socket) -> None:
        """Note that a request, or its content, or its answer begins."""
        with self._lock:
            if connection in self._places:
                self._places[connection].since = time.monotonic()

    def stream(self, connection: socket.socket) -> bool:
        """Make a connection one that does not make way; false if too many are already."""
        with self._lock:
            place = self._places.get(connection)
            if place is None:  # it has just made way
                return False
            streams = [each.address for each in self._places.values() if each.is_stream]
            if len(streams) >= MOST_STREAMS or streams.count(place.address) >= MOST_STREAMS_OF_ONE_ADDRESS:
                return False
            place.is_stream = True
            return True

    def leave(self, connection: socket.socket) -> None:
        """Give a place back, if the connection still has one."""
        with self._lock:
            self._places.pop(connection, None)

    def end_reading(self) -> None:
        """Let all who wait for a client's next request read an end; answers that are being sent go on."""
        with self._lock:
            for connection in self._places:
                _shut(connection, socket.SHUT_RD)


def _shut(connection: socket.socket, how: int) -> None:
    with contextlib.suppress(OSError):  # the client has closed it already
        connection.shutdown(how)
