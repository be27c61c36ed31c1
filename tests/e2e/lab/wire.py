"""What stands between a server and its machines: a switch, and hosts plugged into it."""

from . import host as hosts
from . import wait


class Wire:
    """192.0.2.0/24 and 2001:db8:2::/64, a bridge on a host of its own. Interfaces are called `eth0`."""

    def __init__(self, lab):
        self.switch = lab.host("switch")
        self.switch.ip("link add br0 type bridge forward_delay 0")
        self.switch.sysctl("net.ipv6.conf.br0.disable_ipv6", 1)
        self.switch.ip("link set br0 up")
        self.plugs = 0

    def plug(self, host, number):
        """Joins a host: address 192.0.2.NUMBER and 2001:db8:2::NUMBER."""
        self.plugs += 1
        name = f"p{self.plugs}"
        hosts.link(host, "eth0", self.switch, name)
        self.switch.ip(f"link set {name} master br0")
        host.ip(f"address add 192.0.2.{number}/24 dev eth0")
        host.ip(f"address add 2001:db8:2::{number:x}/64 dev eth0 nodad")
        wait.until(lambda: "state forwarding" in self.switch.ip(f"-details link show {name}"), 5, f"{name} to forward")
        return host
