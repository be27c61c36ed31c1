"""A member of a network whose tunnel is the kernel's: an agent in an emulated machine with Debian's kernel, whose
cable ends in a site of the internet."""

import shlex
import shutil

from member import Member

from lab import host as hosts
from lab import programs, wait
from lab.guest import Guest

TOOLS = ("nft",)
HOSTS = "127.0.0.1 localhost\n"
FOLDER = "/var/lib/member"
# It is emulated: some thirty times slower than this machine.
SECONDS_TO_START = 60
SECONDS_TO_STOP = 40


class GuestHost(Guest):
    """The guest as a host of a site, in the place of one that Site.host() makes."""

    def __init__(self):
        super().__init__([programs.warren_cli(), *(shutil.which(tool) for tool in TOOLS)])
        self.site = None
        self.script(f"mkdir -p /etc /var/lib; echo '{HOSTS.strip()}' >/etc/hosts; "
                    # No addresses and routes that come and go by themselves.
                    "echo 1 >/proc/sys/net/ipv6/conf/eth0/disable_ipv6; ip link set eth0 up")

    def plug(self, site):
        """Its cable goes into the site's router: `gate` is a switch on the way."""
        number = next(site.hosts)
        self.plug_into(site.router, f"lan{number}", site.mtu)
        self.ip(f"address add {site.lan}.{number}/24 dev eth0")
        self.ip(f"route add default via {site.lan}.1")
        self.site = site
        return self

    def plug_into(self, other, port, mtu=1500):
        """Into the bridge `lan` of another host."""
        hosts.link(self.gate, "cable", other, port, mtu)
        other.ip(f"link set {port} master lan")
        self.gate.ip("link add switch type bridge")
        for end in ("cable", "tap0"):
            self.gate.ip(f"link set {end} master switch")
        self.gate.ip("link set switch up")

    def links(self):
        return self.script("ls /sys/class/net")[1].split()


class GuestMember(Member):
    """Its program runs in the guest; what it wrote is there too."""

    def __init__(self, network, host, name, options=(), backend="kernel"):
        super().__init__(network, host, name, options, backend)
        self.state, self.pid_file = f"{FOLDER}/state", f"{FOLDER}/pid"

    def cli(self, *argv, input=None, timeout=60):
        command = f"WARREN_STATE={self.state} {shlex.join([programs.warren_cli(), *map(str, argv)])}"
        return self.host.try_run("sh", "-c", command, input=input, timeout=timeout)

    @property
    def log(self):
        return f"{FOLDER}/agent-{self.starts}.log"

    def start(self):
        self.starts += 1
        self.host.script(f"mkdir -p {FOLDER}; rm -f {self.pid_file}; WARREN_STATE={self.state} LOG_LEVEL=verbose setsid sh -c "
                         f"'echo $$ >{self.pid_file}; exec {programs.warren_cli()} agent -f' >{self.log} 2>&1 &")
        wait.until(lambda: "runs" in self.said() or not self.is_running(), SECONDS_TO_START, f"the agent of {self.name}", 0.2)
        assert self.is_running(), f"the agent of {self.name} ended: {self.said()}"
        return self

    def is_running(self):
        return self.host.script(f"kill -0 $(cat {self.pid_file})")[0] == 0

    def said(self):
        return self.host.script(f"cat {self.log}")[1]

    def kill(self):
        self.host.script(f"kill -9 $(cat {self.pid_file})")
        wait.until(lambda: not self.is_running(), SECONDS_TO_STOP, "the agent to end", 0.1)

    def stop(self):
        if not self.starts:
            return
        self.host.script(f"kill $(cat {self.pid_file})")
        wait.until(lambda: not self.is_running(), SECONDS_TO_STOP, lambda: f"the agent of {self.name} to end: {self.said()}", 0.1)

    close = stop

    def memory(self):
        """Bytes by the names of /proc/PID/status: VmRSS, RssAnon, RssFile."""
        lines = self.host.script(f"cat /proc/$(cat {self.pid_file})/status")[1].splitlines()
        fields = dict(line.split(":", 1) for line in lines if ":" in line)
        return {name: int(fields[name].split()[0]) * 1024 for name in ("VmRSS", "VmHWM", "RssAnon", "RssFile")}
