"""The command line of script/verify."""

import argparse
import os
import platform
import shutil
import signal
import sys
import traceback
from pathlib import Path

TREE = Path(__file__).resolve().parents[2]
sys.dont_write_bytecode = True
sys.path[:0] = [str(Path(__file__).resolve().parent), str(TREE / "tests/e2e")]

from lab import programs, sandbox  # noqa: E402
from lab.lab import Lab  # noqa: E402

import claims  # noqa: E402
from stage import Stage  # noqa: E402
from transcript import Transcript  # noqa: E402

KEPT = TREE / "build/verify"
LOG_LINES = 25
TOOLS = {"gdb": "gdb"}

DESCRIPTION = """\
Shows, claim by claim, that a server does what it promises: starts `warren serve` on a host of its own (a network
namespace), joins machines with real WireGuard to it (wireguard-go and `warren wg`, set up by wg-quick with the text
that the server's API answered), and counts at both ends what was sent and what arrived.

Needs root. Nothing of this machine's network is touched, and nothing is left behind.
"""


def arguments():
    parser = argparse.ArgumentParser(prog="script/verify", description=DESCRIPTION,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--list", action="store_true", help="name the claims and end")
    parser.add_argument("--only", metavar="N,...", help="only these claims")
    parser.add_argument("--keep", action="store_true", help=f"keep the server's folder and logs in {KEPT.relative_to(TREE)}")
    return parser.parse_args()


def wanted(text):
    if not text:
        return claims.ALL
    numbers = {int(part) for part in text.split(",")}
    if unknown := numbers - {claim.NUMBER for claim in claims.ALL}:
        raise SystemExit(f"script/verify: no claim {', '.join(map(str, sorted(unknown)))}; see --list")
    return [claim for claim in claims.ALL if claim.NUMBER in numbers]


def main():
    given = arguments()
    chosen = wanted(given.only)
    if given.list:
        for claim in claims.ALL:
            print(f"{claim.NUMBER:2}  {claim.TITLE}")
        return 0
    if not sandbox.is_inside():
        return outside()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.default_int_handler)
    try:
        return show(chosen, given.keep)
    except KeyboardInterrupt:
        print("script/verify: interrupted", file=sys.stderr)
        return 130


def outside():
    """Looks whether all is there, and starts this once more in its sandbox."""
    if os.geteuid() != 0:
        raise SystemExit("script/verify: root is needed, for network namespaces and TUN devices")
    lacking = programs.missing_tools() + "".join(
        f"{tool} is missing: install the Debian package {package}\n" for tool, package in TOOLS.items()
        if not shutil.which(tool))
    if lacking:
        raise SystemExit(lacking.strip())
    try:
        programs.warren_cli()
        programs.wireguard_go()
    except programs.Missing as error:
        raise SystemExit(f"script/verify: {error}") from None
    return sandbox.run_inside([sys.executable, "-B", str(Path(__file__).parent), *sys.argv[1:]])


def show(chosen, keep):
    transcript = Transcript()
    lab = Lab()
    stage = None
    try:
        stage = begin(lab, transcript)
        for claim in chosen if stage else ():
            one(stage, claim)
        if stage:
            end_of_server(stage)
    finally:
        if keep and stage:
            keep_folder(stage)
        try:
            lab.close()
        except AssertionError as error:
            transcript.check(False, f"the server ends as it should: {first_line(error)}")
    return transcript.end()


def begin(lab, transcript):
    version = os.popen(f"{programs.warren_cli()} --version").read().strip()
    transcript.head(f"{version}, verified on Linux {platform.release()}, {platform.machine()}, {os.cpu_count()} cores", "",
                    "A live `warren serve` on the host \"server\" (192.0.2.1: API over HTTPS on 8443, hub on UDP 51820); machines",
                    "are hosts of their own, joined to it by a switch; each runs wireguard-go or `warren wg`, brought up by",
                    "wg-quick with the text that the API answered. Packets are counted on the machines' tunnel interfaces.")
    try:
        return Stage(lab, transcript)
    except Exception as error:  # the transcript tells, whatever it is
        transcript.claim(0, "The server starts and its administrator signs in")
        trouble(transcript, error)
        return None


def one(stage, claim):
    stage.transcript.claim(claim.NUMBER, claim.TITLE)
    try:
        claim.run(stage)
    except Exception as error:  # one claim that breaks off must not take the others along
        trouble(stage.transcript, error)
        if not stage.server.is_running():
            stage.say(f"the server is not running; its last words:\n{tail(stage.server.said())}")
            stage.server.start()


def end_of_server(stage):
    stage.server.stop()


def trouble(transcript, error):
    transcript.check(False, f"it could be carried through: {type(error).__name__}: {first_line(error)}")
    transcript.say(tail("".join(traceback.format_exception(error)), 12))


def first_line(error):
    return (str(error).splitlines() or [""])[0][:300]


def tail(text, lines=LOG_LINES):
    return "\n".join(text.splitlines()[-lines:])


def keep_folder(stage):
    shutil.rmtree(KEPT, ignore_errors=True)
    shutil.copytree(stage.server.folder, KEPT, ignore=shutil.ignore_patterns("*.sock"))
    print(f"        kept: {KEPT}")


if __name__ == "__main__":
    sys.exit(main())
