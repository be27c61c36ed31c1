"""The configuration protocol on the socket: every key, every refusal, and `wg` on top of it."""

import ipaddress
import stat
import os

import pytest

from lab import tunnel, uapi, wait

EINVAL, EPROTO = -22, -71
KEY = "a8" + "aa" * 30 + "6a"  # clamped, as X25519 keys are
PEERS = ["%02x" % n * 32 for n in range(1, 9)]
ZERO = "0" * 64


@pytest.fixture
def both(lab):
    """(host with Warren, host with wireguard-go), each with wg0."""
    ours, theirs = lab.host("ours"), lab.host("theirs")
    lab.daemon(ours)
    lab.daemon(theirs, kind="go")
    return ours, theirs


@pytest.fixture
def ours(lab):
    host = lab.host("ours")
    lab.daemon(host)
    return host


FULL = [
    f"private_key={KEY}", "listen_port=51821", "fwmark=4660", "replace_peers=true",
    f"public_key={PEERS[0]}", f"preshared_key={'bb' * 32}", "endpoint=192.0.2.1:51820",
    "persistent_keepalive_interval=25", "replace_allowed_ips=true", "allowed_ip=10.1.2.3/8",
    "allowed_ip=fd00::1/64", "allowed_ip=192.0.2.7/32", "protocol_version=1",
    f"public_key={PEERS[1]}", "endpoint=[2001:db8::1]:1", "allowed_ip=0.0.0.0/0", "allowed_ip=::/0",
    f"public_key={PEERS[2]}",
]


def test_fresh_interface_answers_as_wireguard_go(both):
    """Each has a port of its own choice, if any."""
    answers = [[pair for pair in uapi.get(host, "wg0") if pair[0] != "listen_port"] for host in both]
    assert answers == [[], []]


def test_private_key_is_clamped_as_in_wireguard_go(both):
    for host in both:
        assert uapi.set(host, "wg0", f"private_key={'ff' * 32}") == 0
    ours, theirs = (dict(uapi.get(host, "wg0"))["private_key"] for host in both)
    assert ours == theirs


def test_every_key_reads_back_as_in_wireguard_go(both):
    answers = []
    for host in both:
        assert uapi.set(host, "wg0", *FULL) == 0
        answers.append(uapi.split(uapi.get(host, "wg0")))
    assert answers[0] == answers[1]
    device, peers = answers[0]
    assert device == {"private_key": [KEY], "listen_port": ["51821"], "fwmark": ["4660"]}
    assert peers[PEERS[0]]["allowed_ip"] == ["10.0.0.0/8", "192.0.2.7/32", "fd00::/64"]
    assert peers[PEERS[2]] == {
        "preshared_key": [ZERO], "protocol_version": ["1"], "last_handshake_time_sec": ["0"],
        "last_handshake_time_nsec": ["0"], "tx_bytes": ["0"], "rx_bytes": ["0"],
        "persistent_keepalive_interval": ["0"]}


def test_keys_of_get_stand_in_the_order_of_wireguard_go(both):
    """Scripts that read line by line rely on it: the public key begins a peer, allowed-ips end it."""
    order = []
    for host in both:
        uapi.set(host, "wg0", *FULL[:13])
        order.append([key for key, _ in uapi.get(host, "wg0")])
    assert order[0] == order[1]


# What is not understood, and the errno that the protocol wants.  Each stands behind `public_key` where
# it belongs to a peer.
REFUSED = {
    "unknown key": (["frobnicate=1"], EINVAL),
    "line without =": (["listen_port"], EPROTO),
    "private key too short": ["private_key=aabb"],
    "private key too long": [f"private_key={KEY}aa"],
    "private key no hex": [f"private_key={'zz' * 32}"],
    "private key empty": ["private_key="],
    "port too large": ["listen_port=65536"],
    "port negative": ["listen_port=-1"],
    "port no number": ["listen_port=http"],
    "port empty": ["listen_port="],
    "port with rest": ["listen_port=1x"],
    "fwmark no number": ["fwmark=red"],
    "fwmark too large": ["fwmark=4294967296"],
    "replace peers false": ["replace_peers=false"],
    "public key too short": ["public_key=aabb"],
    "public key no hex": [f"public_key={'zz' * 32}"],
    "endpoint before any peer": ["endpoint=192.0.2.1:1"],
    "allowed ip before any peer": ["allowed_ip=10.0.0.0/8"],
    "device key behind a peer": [f"public_key={PEERS[0]}", "listen_port=1"],
    "preshared key too short": [f"public_key={PEERS[0]}", "preshared_key=aabb"],
    "endpoint without port": [f"public_key={PEERS[0]}", "endpoint=192.0.2.1"],
    "endpoint port too large": [f"public_key={PEERS[0]}", "endpoint=192.0.2.1:65536"],
    "endpoint is a name": [f"public_key={PEERS[0]}", "endpoint=example.com:1"],
    "endpoint v6 without brackets": [f"public_key={PEERS[0]}", "endpoint=2001:db8::1:51820"],
    "endpoint v6 half bracketed": [f"public_key={PEERS[0]}", "endpoint=[2001:db8::1:51820"],
    "endpoint empty": [f"public_key={PEERS[0]}", "endpoint="],
    "keepalive too large": [f"public_key={PEERS[0]}", "persistent_keepalive_interval=65536"],
    "keepalive negative": [f"public_key={PEERS[0]}", "persistent_keepalive_interval=-1"],
    "keepalive off": [f"public_key={PEERS[0]}", "persistent_keepalive_interval=off"],
    "replace allowed ips false": [f"public_key={PEERS[0]}", "replace_allowed_ips=false"],
    "allowed ip v4 mask too long": [f"public_key={PEERS[0]}", "allowed_ip=10.0.0.0/33"],
    "allowed ip v6 mask too long": [f"public_key={PEERS[0]}", "allowed_ip=fd00::/129"],
    "allowed ip mask negative": [f"public_key={PEERS[0]}", "allowed_ip=10.0.0.0/-1"],
    "allowed ip without mask": [f"public_key={PEERS[0]}", "allowed_ip=10.0.0.0"],
    "allowed ip no address": [f"public_key={PEERS[0]}", "allowed_ip=ten/8"],
    "allowed ip short address": [f"public_key={PEERS[0]}", "allowed_ip=10.0.0/8"],
    "remove false": [f"public_key={PEERS[0]}", "remove=false"],
    "update only false": [f"public_key={PEERS[0]}", "update_only=false"],
    "protocol version 2": [f"public_key={PEERS[0]}", "protocol_version=2"],
}


def _case(name):
    case = REFUSED[name]
    return case if isinstance(case, tuple) else (case, EINVAL)


@pytest.mark.parametrize("how", ["alone", "behind good lines"])
def test_malformed_set_is_refused_and_changes_nothing(ours, how):
    assert uapi.set(ours, "wg0", *FULL) == 0
    before = uapi.get(ours, "wg0")
    good = ["listen_port=4444", "fwmark=1", "replace_peers=true"] if how != "alone" else []
    accepted = {}
    for name in REFUSED:
        lines, _ = _case(name)
        # A line about the device must stay behind lines about the device.
        error = uapi.set(ours, "wg0", *good, *lines)
        if error is None or error >= 0 or uapi.get(ours, "wg0") != before:
            accepted[name] = error
            assert uapi.set(ours, "wg0", *FULL) == 0
    assert not accepted


def test_refusals_have_the_errno_of_wireguard_go(both):
    differ = {}
    for name in REFUSED:
        lines, wanted = _case(name)
        ours, theirs = (uapi.set(host, "wg0", *lines) for host in both)
        if ours != wanted or (theirs != wanted and theirs is not None):
            differ[name] = {"wanted": wanted, "warren": ours, "wireguard-go": theirs}
    assert not differ


@pytest.mark.parametrize("text", ["\n\n", "foo=1\n\n", "get=2\n\n", "set=2\n\n", "get\n\n", "set=1", "", "\0" * 100,
                                  "get=1\nset=1\n\n", "A" * 100000], ids=repr)
def test_nonsense_on_the_socket_does_no_harm(ours, text):
    """The daemon may refuse it or hang up; it must neither obey, nor hang, nor end."""
    uapi.set(ours, "wg0", *FULL)
    with_end = text + "\n\n" if text in ("", "set=1") or text.startswith(("A", "\0")) else text
    answer = uapi.ask(ours, "wg0", with_end)
    assert uapi.error_of(answer) != 0 or text in ("set=1", "get=1\nset=1\n\n")
    assert ("fwmark", "4660") in uapi.get(ours, "wg0")


def test_client_that_says_nothing_does_not_keep_others_waiting(ours, lab):
    import socket
    idle = lab.keep(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
    idle.connect(ours.path("/run/wireguard/wg0.sock"))
    idle.sendall(b"set=1\nfwmark=7\n")
    assert dict(uapi.get(ours, "wg0")).get("fwmark") is None
    idle.sendall(b"\n")
    assert idle.recv(100) == b"errno=0\n\n"
    assert dict(uapi.get(ours, "wg0"))["fwmark"] == "7"


def test_requests_may_come_in_pieces_and_one_after_another(ours, lab):
    import socket
    client = lab.keep(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
    client.settimeout(5)
    client.connect(ours.path("/run/wireguard/wg0.sock"))
    for byte in f"set=1\nprivate_key={KEY}\n\n":
        client.send(byte.encode())
    assert client.recv(100) == b"errno=0\n\n"
    client.sendall(b"get=1\n\n")
    assert client.recv(1000).decode().startswith(f"private_key={KEY}\n")


def test_peer_can_be_removed_updated_and_replaced(both):
    for host in both:
        assert uapi.set(host, "wg0", *FULL) == 0
        # remove: of one that is there, and of one that is not
        assert uapi.set(host, "wg0", f"public_key={PEERS[2]}", "remove=true", f"public_key={PEERS[5]}", "remove=true") == 0
        # update_only: changes who is there, makes nobody
        assert uapi.set(host, "wg0", f"public_key={PEERS[1]}", "update_only=true", "persistent_keepalive_interval=9",
                        f"public_key={PEERS[6]}", "update_only=true", "allowed_ip=10.9.9.9/32") == 0
        # replace_allowed_ips
        assert uapi.set(host, "wg0", f"public_key={PEERS[0]}", "replace_allowed_ips=true", "allowed_ip=10.5.0.0/16") == 0
    answers = [uapi.split(uapi.get(host, "wg0")) for host in both]
    assert answers[0] == answers[1]
    _, peers = answers[0]
    assert set(peers) == {PEERS[0], PEERS[1]}
    assert peers[PEERS[0]]["allowed_ip"] == ["10.5.0.0/16"]
    assert peers[PEERS[1]]["persistent_keepalive_interval"] == ["9"]


def test_allowed_ip_moves_to_whom_it_was_given_last(both):
    for host in both:
        assert uapi.set(host, "wg0", f"public_key={PEERS[0]}", "allowed_ip=10.1.0.0/16", "allowed_ip=10.2.0.0/16") == 0
        assert uapi.set(host, "wg0", f"public_key={PEERS[1]}", "allowed_ip=10.1.0.0/16") == 0
    answers = [uapi.split(uapi.get(host, "wg0"))[1] for host in both]
    assert answers[0] == answers[1]
    assert answers[0][PEERS[0]]["allowed_ip"] == ["10.2.0.0/16"]
    assert answers[0][PEERS[1]]["allowed_ip"] == ["10.1.0.0/16"]


def test_values_can_be_taken_away_again(both):
    for host in both:
        assert uapi.set(host, "wg0", *FULL) == 0
        assert uapi.set(host, "wg0", f"private_key={ZERO}", "fwmark=0", f"public_key={PEERS[0]}", f"preshared_key={ZERO}",
                        "persistent_keepalive_interval=0") == 0
    answers = [uapi.split(uapi.get(host, "wg0")) for host in both]
    assert answers[0] == answers[1]
    assert "private_key" not in answers[0][0] and "fwmark" not in answers[0][0]


def test_own_public_key_is_never_a_peer(both):
    private = tunnel.new_key()
    own = tunnel.hex_of(tunnel.public_key(private))
    for host in both:
        assert uapi.set(host, "wg0", f"private_key={tunnel.hex_of(private)}", f"public_key={own}",
                        "allowed_ip=10.0.0.0/8", f"public_key={PEERS[0]}") == 0
        assert set(uapi.split(uapi.get(host, "wg0"))[1]) == {PEERS[0]}


def test_setting_the_private_key_removes_the_peer_with_its_public_key(both):
    private = tunnel.new_key()
    own = tunnel.hex_of(tunnel.public_key(private))
    for host in both:
        assert uapi.set(host, "wg0", f"public_key={own}", f"public_key={PEERS[0]}") == 0
        assert uapi.set(host, "wg0", f"private_key={tunnel.hex_of(private)}") == 0
        assert set(uapi.split(uapi.get(host, "wg0"))[1]) == {PEERS[0]}


def test_taken_port_is_refused_with_eaddrinuse_and_the_old_one_stays(ours, lab):
    import socket
    assert uapi.set(ours, "wg0", f"private_key={KEY}", "listen_port=51821") == 0
    ours.ip("link set wg0 up")
    taken = lab.keep(ours.socket(socket.AF_INET, socket.SOCK_DGRAM))
    taken.bind(("0.0.0.0", 51822))
    assert uapi.set(ours, "wg0", "listen_port=51822") == -98
    assert dict(uapi.get(ours, "wg0"))["listen_port"] == "51821"


def test_wg_tells_why_a_setting_was_refused(ours, lab):
    """`wg` takes the number behind errno= as it is: a positive one is told as an unknown error."""
    import socket
    taken = lab.keep(ours.socket(socket.AF_INET, socket.SOCK_DGRAM))
    taken.bind(("0.0.0.0", 51822))
    ours.run("wg", "set", "wg0", "private-key", "/dev/stdin", input=tunnel.new_key())
    ours.ip("link set wg0 up")
    done = ours.try_run("wg", "set", "wg0", "listen-port", "51822")
    assert done.returncode != 0
    assert "Address already in use" in done.stderr


def test_socket_is_closed_to_others(ours):
    mode = os.stat(ours.path("/run/wireguard/wg0.sock")).st_mode
    assert stat.S_ISSOCK(mode) and not mode & 0o077


WG_FILE = """[Interface]
PrivateKey = {private}
ListenPort = 51820
FwMark = 0x51
[Peer]
PublicKey = {peer}
PresharedKey = {psk}
Endpoint = 192.0.2.1:51820
AllowedIPs = 10.0.0.0/24, fd00::/64
PersistentKeepalive = 25
"""


def test_wg_setconf_addconf_syncconf_and_showconf_agree(ours):
    values = {"private": tunnel.new_key(), "peer": tunnel.random_key(), "psk": tunnel.random_key()}
    end = tunnel.End(ours, 1)
    end.setconf(WG_FILE.format(**values))
    shown = end.wg("showconf wg0")
    assert {line.replace(" ", "") for line in WG_FILE.format(**values).splitlines()} <= \
        {line.replace(" ", "") for line in shown.splitlines()}
    # what showconf prints is what setconf takes
    end.setconf(shown)
    assert end.wg("showconf wg0") == shown
    # addconf adds, and leaves the others as they are
    second = f"[Peer]\nPublicKey = {tunnel.random_key()}\nAllowedIPs = 10.0.1.0/24\n"
    end.setconf(second, "addconf")
    assert len(end.peers()) == 2
    # syncconf makes it equal to the file, again
    end.setconf(shown, "syncconf")
    assert end.wg("showconf wg0") == shown


def test_wg_set_and_show_know_every_property(ours, tmp_path):
    private, peer = tunnel.new_key(), tunnel.random_key()
    for name, text in (("key", private), ("psk", tunnel.random_key())):
        (tmp_path / name).write_text(text)
    end = tunnel.End(ours, 1)
    end.wg(f"set wg0 private-key {tmp_path}/key listen-port 5555 fwmark 0x10 peer {peer} preshared-key {tmp_path}/psk "
           "endpoint [2001:db8::5]:7 persistent-keepalive 11 allowed-ips 10.3.0.0/16,fd03::/64")
    assert end.wg("show wg0 public-key").strip() == tunnel.public_key(private)
    assert end.wg("show wg0 listen-port").strip() == "5555"
    assert end.wg("show wg0 fwmark").strip() == "0x10"
    assert end.wg("show interfaces").split() == ["wg0"]
    shown = end.peer()
    assert (shown.public, shown.endpoint, shown.keepalive) == (peer, "[2001:db8::5]:7", "11")
    assert shown.psk == (tmp_path / "psk").read_text()
    assert set(shown.allowed_ips.split(",")) == {"10.3.0.0/16", "fd03::/64"}
    end.wg(f"set wg0 fwmark off peer {peer} persistent-keepalive off preshared-key /dev/null")
    assert end.wg("show wg0 fwmark").strip() == "off"
    assert (end.peer().keepalive, end.peer().psk) == ("off", "(none)")
    end.wg(f"set wg0 peer {peer} remove")
    assert end.peers() == []


def test_ten_thousand_peers_are_set_and_read_back(ours):
    end = tunnel.End(ours, 1)
    base4, base6 = ipaddress.ip_address("10.128.0.0"), ipaddress.ip_address("fd80::")
    wanted = {tunnel.random_key(): {f"{base4 + n}/32", f"{base6 + n}/128"} for n in range(10000)}
    end.setconf(f"[Interface]\nPrivateKey = {end.private}\nListenPort = 51820\n" + "".join(
        f"[Peer]\nPublicKey = {key}\nAllowedIPs = {','.join(sorted(ips))}\nEndpoint = 192.0.2.1:1000\n"
        for key, ips in wanted.items()))
    assert {peer.public: set(peer.allowed_ips.split(",")) for peer in end.peers()} == wanted
    end.setconf(f"[Interface]\nPrivateKey = {end.private}\n")
    assert end.peers() == []
    wait.until(lambda: dict(uapi.get(ours, "wg0"))["private_key"] == tunnel.hex_of(end.private), what="an answer")
