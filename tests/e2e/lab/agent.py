"""What an agent says and hears on its channel, without anything behind it."""

import base64
import os
import time

from . import wait
from .websocket import Closed, WebSocket


def public_key():
    return base64.b64encode(os.urandom(32)).decode()


class Agent:
    """A machine that joined; `map` is what it was told, as its agent would have it."""

    def __init__(self, served, key, name, host=None):
        self.served, self.name, self.host = served, name, host
        self.key = public_key()
        answer = served.anonymous(host).ask("POST", "/join", {"secret": key, "name": name, "public_key": self.key})
        assert answer.status == 201, answer
        self.uid, self.token = answer.json["machine"], answer.json["token"]
        self.instance = os.urandom(8).hex()
        self.map, self.epoch, self.generation = None, "", 0
        self.channel = None

    def open(self):
        self.channel = WebSocket(self.served.anonymous(self.host).way, "/api/v1/agent", self.token)
        return self

    def hello(self, instance=None, map=None, **more):
        self.channel.say(type="hello", protocol=1, version="0.1", instance=instance or self.instance, backend="engine",
                         public_key=self.key, epoch=self.epoch, map=map if map is not None else self.version, **more)
        return self

    @property
    def version(self):
        return self.map["version"] if self.map else ""

    def connect(self):
        """Until it has its map."""
        self.open().hello()
        welcome = self.hear()
        assert welcome["type"] == "welcome" and welcome["machine"] == self.uid, welcome
        self.epoch = welcome["epoch"]
        first = self.take(self.hear())
        assert first["type"] in ("map", "same"), first
        return self

    def hear(self, timeout=10.0):
        return self.channel.hear(timeout)

    def take(self, message):
        """Makes a map of it, as any agent does."""
        if message["type"] == "map":
            self.map = message
        elif message["type"] == "delta":
            assert message["from"] == self.map["version"]
            peers = {peer["machine"]: peer for peer in self.map["peers"]}
            for uid in message["gone"]:
                del peers[uid]
            peers.update({peer["machine"]: peer for peer in message["peers"]})
            self.map.update({name: message[name] for name in message if name not in ("type", "from", "peers", "gone")})
            self.map["peers"] = list(peers.values())
        return message

    def peer(self, name):
        return next((peer for peer in self.map["peers"] if peer["name"] == name), None)

    def until(self, condition, timeout=5.0, what=None):
        """Takes what comes until the map is as wanted."""
        deadline = time.monotonic() + wait.PATIENCE * timeout
        while not condition(self):
            left = deadline - time.monotonic()
            assert left > 0, f"{self.name}: waited in vain for {what or condition}: {self.map}"
            try:
                self.take(self.hear(left))
            except TimeoutError:
                continue
        return self

    def quiet(self, seconds=1.0):
        """Nothing comes."""
        try:
            message = self.hear(seconds)
        except TimeoutError:
            return
        raise AssertionError(f"{self.name} was told: {message}")

    def refused(self, timeout=10.0):
        """Why it is not let in."""
        while True:
            message = self.hear(timeout)
            if message["type"] == "refused":
                try:
                    self.hear()
                except Closed:
                    return message
                raise AssertionError("not closed after `refused`")

    def close(self):
        if self.channel:
            self.channel.close()
        self.channel = None
