"""What a backend of a tunnel promises (tests/unit/tunnel/test_backend*.c), with the kernel's WireGuard.

The kernel is Debian's, in an emulated machine; both ends of each tunnel are in it, in namespaces."""

from pathlib import Path

import pytest

from lab import programs
from lab.guest import Guest

PROGRAMS = ["test_tunnel_backend", "test_tunnel_backend_peers"]


@pytest.fixture(scope="module")
def folder():
    folder = Path(programs.warren()).parent / "tests/unit/tunnel"
    for program in PROGRAMS:
        assert (folder / program).exists(), f"{folder / program} is missing: build it with script/build"
    return folder


@pytest.fixture(scope="module")
def machine(folder):
    guest = Guest([str(folder / program) for program in PROGRAMS])
    yield guest
    guest.close()


@pytest.mark.limit(180)
@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize("kinds", ["kernel kernel", pytest.param("kernel engine", marks=pytest.mark.nightly),
                                   pytest.param("engine kernel", marks=pytest.mark.nightly)])
def test_backend_keeps_its_promises(machine, folder, kinds, program):
    status, output, errors = machine.script(f"WARREN_TEST_BACKENDS='{kinds}' {folder / program}", timeout=170)
    assert status == 0, f"{output}\n{errors}"
    assert "FAILED" not in output
