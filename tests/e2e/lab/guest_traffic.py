"""Traffic between a host of the sandbox and the guest."""

import hashlib
import os
import random
import socket

from . import traffic, wait

PORT = 5000


def _address(address, port):
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def _listener(address):
    return f"TCP6-LISTEN:{PORT},reuseaddr" if ":" in address else f"TCP4-LISTEN:{PORT},reuseaddr"


def _connect(host, address):
    """A connection to the guest's listener, as soon as it is there."""
    def attempt():
        sock = host.socket(traffic.family_of(address), socket.SOCK_STREAM)
        sock.settimeout(15)
        if sock.connect_ex((address, PORT)) == 0:
            return sock
        sock.close()
        return None
    return wait.until(attempt, 20, f"a listener at {address} in the guest", 0.1)


def send(host, guest, address, length):
    """`length` random bytes to `address` in the guest, which must digest them as we do."""
    guest.serve(f"socat -u {_listener(address)} - | sha256sum >/tmp/digest.new; mv /tmp/digest.new /tmp/digest")
    guest.script("rm -f /tmp/digest")
    data = random.Random(length).randbytes(length)
    with _connect(host, address) as sock:
        sock.settimeout(40)
        sock.sendall(data)
        sock.shutdown(socket.SHUT_WR)
        assert sock.recv(1) == b""
    digest = wait.until(lambda: guest.try_run("cat", "/tmp/digest").stdout, 20, "the guest's digest", 0.1)
    assert digest.split()[0] == hashlib.sha256(data).hexdigest()


def receive(host, guest, address, length):
    """`length` random bytes from the guest to `address` on `host`."""
    guest.run("sh", "-c", f"head -c {length} /dev/urandom >/tmp/data")
    digest = guest.run("sha256sum", "/tmp/data").split()[0]
    with host.socket(traffic.family_of(address), socket.SOCK_STREAM) as listener:
        listener.bind((address, 0))
        listener.listen(1)
        listener.settimeout(20)
        guest.serve(f"socat -u FILE:/tmp/data TCP:{_address(address, listener.getsockname()[1])}")
        sock, _ = listener.accept()
    with sock:
        sock.settimeout(40)
        got = hashlib.sha256()
        while data := sock.recv(traffic.CHUNK):
            got.update(data)
    assert got.hexdigest() == digest


def udp_echo(host, guest, address, sizes):
    """Datagrams to the guest, each echoed unchanged.  An echo may be lost while the guest starts its listener."""
    family = 6 if ":" in address else 4
    guest.serve(f"socat -b 65536 -T 30 UDP{family}-LISTEN:{PORT},reuseaddr PIPE")
    with host.socket(traffic.family_of(address), socket.SOCK_DGRAM) as sock:
        sock.settimeout(0.3)

        def echoed(data, got=None):
            try:
                sock.send(data)
                got = sock.recv(65536)
            except (ConnectionRefusedError, TimeoutError):
                return False
            return got == data

        sock.connect((address, PORT))
        wait.until(lambda: echoed(b"are you there"), 15, "an echo of the guest")
        sock.settimeout(10)
        for size in sizes:
            assert echoed(os.urandom(size)), f"a datagram of {size} bytes was not echoed"
