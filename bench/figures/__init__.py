"""The figures of `script/bench tunnel` and `script/bench hub`, in the order in which they are reported."""

from .crowd import Crowd
from .datagrams import Udp
from .figure import Figure
from .flood import Flood, ManyKeys
from .forward import HubTcp, HubUdp, ManyRules
from .handshake import Handshake
from .latency import PingIdle, PingLoad
from .memory import Memory
from .orgs import Idle, Pairs
from .relay import RelayTcp, RelayUdp
from .setconf import Setconf
from .start import Size, Start
from .throughput import Tcp

ALL: tuple[Figure, ...] = (
    Tcp(1), Tcp(8), Udp(1400), Udp(64), PingIdle(), PingLoad(), Handshake(),
    Memory(1), Memory(10_000), Setconf(),
    ManyKeys(), Flood(), Start(), Size(),
)

HUB: tuple[Figure, ...] = (HubTcp(1), HubTcp(8), HubUdp(), RelayTcp(1), RelayTcp(8), RelayUdp(1400), RelayUdp(64),
                           ManyRules(), Crowd(), Idle(), Pairs())
