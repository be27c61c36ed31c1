"""Moves the run into its sandbox, and gives each test a lab."""

import os
import signal
import sys

import pytest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(__file__))

from lab import guest_image, programs, sandbox, wait  # noqa: E402
from lab.guest import Guest  # noqa: E402
from lab.lab import Lab  # noqa: E402

SECONDS_PER_TEST = 60
LOG_LINES_SHOWN = 30


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config):
    """Outside: runs pytest once more, in the sandbox, and does nothing else."""
    options = config.option
    if sandbox.is_inside() or options.collectonly or options.help or options.markers or options.showfixtures:
        return None
    config.pluginmanager.getplugin("capturemanager").stop_global_capturing()
    if os.geteuid() != 0:
        raise pytest.UsageError("these tests need root, for network namespaces and TUN devices")
    if lacking := programs.missing_tools():
        raise pytest.UsageError(lacking.strip())
    fetch_what_needs_the_network()
    return sandbox.run_inside([sys.executable, "-B", "-m", "pytest", *config.invocation_params.args])


def fetch_what_needs_the_network():
    """The sandbox has no way out.  What fails here fails again, and is told, in the tests that need it."""
    for fetch in (programs.wireguard_go, programs.promtool, guest_image.image):
        try:
            fetch()
        except AssertionError as error:
            print(f"{error}", file=sys.stderr)


def pytest_configure(config):
    if sandbox.is_inside():
        signal.signal(signal.SIGTERM, signal.default_int_handler)


def pytest_collection_modifyitems(config, items):
    """Nightly tests wait for the night; the search for leftovers comes last."""
    if not os.environ.get("WARREN_NIGHTLY") and "nightly" not in config.option.markexpr:
        nightly = [item for item in items if item.get_closest_marker("nightly")]
        config.hook.pytest_deselected(items=nightly)
        items[:] = [item for item in items if item not in nightly]
    items.sort(key=lambda item: item.path.name == "test_leftovers.py")


class TooSlow(Exception):
    """A test took longer than it may."""


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_call(item):
    marker = item.get_closest_marker("limit")
    seconds = wait.PATIENCE * (marker.args[0] if marker else SECONDS_PER_TEST)

    def too_slow(_number, _frame):
        raise TooSlow(f"longer than {seconds} s")

    signal.signal(signal.SIGALRM, too_slow)
    signal.alarm(seconds)
    yield
    signal.alarm(0)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """A failed test shows what its daemons said."""
    report = (yield).get_result()
    lab = getattr(item, "funcargs", {}).get("lab")
    if report.failed and lab:
        report.sections += [(f"end of the log of {who}", "\n".join(said.splitlines()[-LOG_LINES_SHOWN:]))
                            for who, said in lab.logs() if said]


@pytest.fixture
def lab():
    lab = Lab()
    try:
        yield lab
    finally:
        lab.close()


_guests = []


@pytest.fixture(scope="session")
def guest():
    """The virtual machine, started for the first test that needs it and kept for the others."""
    guest = Guest()
    _guests.append(guest)
    yield guest
    if guest in _guests:
        _guests.remove(guest)
        guest.close()


@pytest.fixture
def no_guest():
    """Ends the virtual machine before its time."""
    while _guests:
        _guests.pop().close()
