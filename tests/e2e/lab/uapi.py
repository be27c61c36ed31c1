"""The configuration protocol, spoken by hand."""

import socket

from .daemon import socket_path


def ask(host, iface, text, timeout=10):
    """Sends `text` as it is; returns the whole answer, "" if the daemon hangs up without one."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.settimeout(timeout)
        client.connect(host.path(socket_path(iface)))
        client.sendall(text.encode())
        answer = b""
        while b"errno=" not in answer or not answer.endswith(b"\n\n"):
            try:
                data = client.recv(1 << 20)
            except ConnectionResetError:
                data = b""
            if not data:
                break
            answer += data
    return answer.decode()


def error_of(answer):
    """The errno at the end of an answer; None if there is none."""
    lines = answer.rstrip("\n").splitlines()
    return int(lines[-1].removeprefix("errno=")) if lines and lines[-1].startswith("errno=") else None


def set(host, iface, *lines):
    """A set request; returns its errno."""
    return error_of(ask(host, iface, "set=1\n" + "".join(f"{line}\n" for line in lines) + "\n"))


def get(host, iface):
    """What a get request answers, as a list of (key, value), without the errno, which must be 0."""
    answer = ask(host, iface, "get=1\n\n")
    assert error_of(answer) == 0, answer
    return [tuple(line.split("=", 1)) for line in answer.rstrip("\n").splitlines()[:-1]]


def split(pairs):
    """(what the device has, {public key: what the peer has}): values in lists, sorted."""
    device, peers, into = {}, {}, None
    into = device
    for key, value in pairs:
        if key == "public_key":
            into = peers[value] = {}
        else:
            into.setdefault(key, []).append(value)
            into[key].sort()
    return device, peers
