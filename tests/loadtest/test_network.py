from __future__ import annotations

import os
import socket
import threading

import pytest

from loadtest.faults.network import FOLDER, Host, can_make_namespaces, network


def test_a_pulled_cable_is_silence_and_everything_is_gone_at_the_end() -> None:
    if not can_make_namespaces():
        pytest.skip("network namespaces need root")
    with network(["server", "visitor"]) as hosts:
        server, visitor = hosts["server"], hosts["visitor"]
        with server.as_ours():
            listener = socket.create_server((server.address, 8000))
        threading.Thread(target=_greet, args=[listener], daemon=True).start()
        assert _words_from(visitor, server.address) == b"hi"
        server.pull_cable()
        with pytest.raises(TimeoutError):
            _words_from(visitor, server.address)
        server.plug_cable()
        assert _words_from(visitor, server.address, seconds=10) == b"hi"
        listener.close()
    assert not [*FOLDER.glob(f"hieu-so-{os.getpid()}-*")]


def _greet(listener: socket.socket) -> None:
    while True:
        try:
            wire, _ = listener.accept()
        except OSError:
            return
        with wire:
            wire.sendall(b"hi")


def _words_from(visitor: Host, address: str, *, seconds: float = 0.5) -> bytes:
    with visitor.as_ours(), socket.create_connection((address, 8000), seconds) as wire:
        return wire.recv(9)
