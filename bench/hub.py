"""A tunnel whose right end is a port that speaks for many keys: bench/hub.c."""

import contextlib
from pathlib import Path

from . import config
from .daemon import INTERFACE, Daemon
from .implementations import Implementation
from .lab import Lab
from .serving import server
from .tunnel import LEFT, PORT, RIGHT, Address, Tunnel, give_address, set_conf


class HubTunnel(Tunnel):
    """The left end is the implementation, with the first of the hub's keys as its peer."""

    def __init__(self, lab: Lab, implementation: Implementation, build: Path, keys: int) -> None:
        self._build = build
        self._keys = keys
        self._hub = contextlib.ExitStack()
        super().__init__(lab, implementation)

    def _bring_up(self, implementation: Implementation, strangers: int) -> None:
        self.address = Address(LEFT, RIGHT)
        left_key, right_key = config.new_key(), config.new_key()
        self._daemons.append(Daemon(self.lab.left, implementation))
        self._hub.enter_context(server(
            self.lab.right, "ready", str(self._build / "bench/hub"), INTERFACE, str(PORT), str(self._keys),
            config.as_hex(right_key.private), config.as_hex(left_key.public), f"{LEFT}/32"))
        give_address(self.lab.left, LEFT)
        give_address(self.lab.right, RIGHT)
        set_conf(self.lab.left, config.text(left_key, PORT, [
            config.Peer(right_key.public, f"{RIGHT}/32", f"{Lab.RIGHT}:{PORT}")]))

    def close(self) -> None:
        super().close()
        self._hub.close()
