"""Ports of this machine for servers that must come back under the same address."""

import socket
from contextlib import suppress
from random import SystemRandom


def free_port() -> int:
    """Find a port that nobody listens to.

    It is below those that systems hand out for connections, which may take it before it is used,
    and random whatever a test seeds, so that two processes seldom find the same.
    """
    while True:
        port = SystemRandom().randrange(20_000, 32_000)
        with suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            return port
