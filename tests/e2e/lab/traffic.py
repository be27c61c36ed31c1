"""Traffic between two hosts whose sockets this process holds itself.

A reader runs in a thread of its own, so that a writer cannot dam up against it."""

import hashlib
import os
import random
import socket
import threading
import time

CHUNK = 1 << 18


def family_of(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def tcp_pair(client, server, address, timeout=15):
    """A TCP connection from host `client` to `address` on host `server`: (client's socket, server's)."""
    family = family_of(address)
    with server.socket(family, socket.SOCK_STREAM) as listener:
        listener.bind((address, 0))
        listener.listen(1)
        listener.settimeout(timeout)
        near = client.socket(family, socket.SOCK_STREAM)
        near.settimeout(timeout)
        try:
            near.connect((address, listener.getsockname()[1]))
            far, _ = listener.accept()
        except OSError:
            near.close()
            raise
    far.settimeout(timeout)
    return near, far


class _Reader(threading.Thread):
    """Reads to the end of a stream; keeps its digest."""

    def __init__(self, sock):
        super().__init__(daemon=True)
        self.sock, self.digest, self.length, self.error = sock, hashlib.sha256(), 0, None
        self.start()

    def run(self):
        try:
            while data := self.sock.recv(CHUNK):
                self.digest.update(data)
                self.length += len(data)
        except OSError as error:
            self.error = error


class _Writer(threading.Thread):
    """Writes `length` random bytes; keeps their digest."""

    def __init__(self, sock, length, seed):
        super().__init__(daemon=True)
        self.sock, self.length, self.seed = sock, length, seed
        self.digest, self.error = hashlib.sha256(), None
        self.start()

    def run(self):
        source = random.Random(self.seed)
        block = source.randbytes(1 << 20)
        left = self.length
        try:
            while left:
                # The block is turned each time: a misplaced megabyte must not fit.
                turn = source.randrange(len(block))
                data = (block[turn:] + block[:turn])[:left]
                self.sock.sendall(data)
                self.digest.update(data)
                left -= len(data)
            self.sock.shutdown(socket.SHUT_WR)
        except OSError as error:
            self.error = error


def transfer(client, server, address, length, streams=1, both_ways=False, timeout=40):
    """Moves `length` bytes over each of `streams` connections; every byte must arrive, in order."""
    pairs = [tcp_pair(client, server, address) for _ in range(streams)]
    flows = []
    for number, (near, far) in enumerate(pairs):
        near.settimeout(timeout)
        far.settimeout(timeout)
        flows.append((_Reader(far), _Writer(near, length, number)))
        if both_ways:
            flows.append((_Reader(near), _Writer(far, length, -number)))
        else:
            far.shutdown(socket.SHUT_WR)
    deadline = time.monotonic() + timeout
    for reader, writer in flows:
        for thread in (writer, reader):
            thread.join(max(0, deadline - time.monotonic()))
    broken = [(reader.length, length, reader.error, writer.error) for reader, writer in flows
              if reader.is_alive() or writer.is_alive() or reader.digest.digest() != writer.digest.digest()]
    for near, far in pairs:
        near.close()
        far.close()
    assert not broken, f"(read, wanted, reader's error, writer's error): {broken}"


def udp_pair(client, server, address, timeout=5):
    """A connected UDP socket on `client` and the one it talks to, bound to `address`, on `server`."""
    family = family_of(address)
    far = server.socket(family, socket.SOCK_DGRAM)
    far.bind((address, 0))
    far.settimeout(timeout)
    near = client.socket(family, socket.SOCK_DGRAM)
    near.connect((address, far.getsockname()[1]))
    near.settimeout(timeout)
    return near, far


def _udp_echo_once(near, far, size):
    data = os.urandom(size)
    near.send(data)
    got, sender = far.recvfrom(65536)
    assert got == data, f"a datagram of {size} bytes changed on its way there"
    far.sendto(got, sender)
    assert near.recv(65536) == data, f"a datagram of {size} bytes changed on its way back"


def udp_echo(client, server, address, sizes):
    """Every datagram goes there and comes back unchanged. A busy machine may lose a fragment: three of all may be sent anew."""
    near, far = udp_pair(client, server, address)
    left = 3
    with near, far:
        for size in sizes:
            try:
                _udp_echo_once(near, far, size)
            except TimeoutError:
                left -= 1
                assert left >= 0, f"datagrams are lost, one of {size} bytes among them"
                _udp_echo_once(near, far, size)


class Stream:
    """A TCP connection that carries a pattern at a steady rate until it is ended.

    `longest_stall` is the longest time without a byte at the reader."""

    RATE = 4 << 20  # bytes a second: enough for many packets in flight, little enough for other tests

    def __init__(self, client, server, address):
        self.near, self.far = tcp_pair(client, server, address)
        self.near.settimeout(30)
        self.far.settimeout(30)
        self.received = 0
        self.sent = 0
        self.longest_stall = 0.0
        self.error = None
        self._pattern = random.Random(7).randbytes(1 << 16)
        self._ending = threading.Event()
        self._threads = [threading.Thread(target=self._guard, args=(part,), daemon=True)
                         for part in (self._write, self._read)]
        for thread in self._threads:
            thread.start()

    def _guard(self, part):
        try:
            part()
        except (OSError, AssertionError) as error:
            self.error = error

    def _write(self):
        interval = len(self._pattern) / self.RATE
        while not self._ending.is_set():
            self.near.sendall(self._pattern)
            self.sent += len(self._pattern)
            time.sleep(interval)
        self.near.shutdown(socket.SHUT_WR)

    def _read(self):
        last = time.monotonic()
        while data := self.far.recv(len(self._pattern)):
            now = time.monotonic()
            self.longest_stall = max(self.longest_stall, now - last)
            last = now
            at = self.received % len(self._pattern)
            wanted = (self._pattern + self._pattern)[at:at + len(data)]
            assert data == wanted, f"wrong bytes at {self.received}"
            self.received += len(data)

    def wait_for(self, more, timeout=20):
        """Waits until `more` bytes more have arrived."""
        goal = self.received + more
        deadline = time.monotonic() + timeout
        while self.received < goal:
            assert self.error is None, f"the stream broke: {self.error}"
            assert time.monotonic() < deadline, f"{goal - self.received} of {more} bytes still missing after {timeout} s"
            time.sleep(0.01)

    def end(self):
        """Ends the stream; everything sent must have arrived."""
        self._ending.set()
        for thread in self._threads:
            thread.join(30)
        self.near.close()
        self.far.close()
        assert self.error is None, f"the stream broke: {self.error}"
        assert self.received == self.sent, f"{self.sent - self.received} bytes of {self.sent} are lost"
