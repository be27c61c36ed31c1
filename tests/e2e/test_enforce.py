"""The filter of a member (tests/unit/mesh/test_enforce_ends.c), with the kernel's WireGuard and nftables.

The kernel is Debian's, in an emulated machine; both ends of the tunnel are in it, in namespaces."""

from pathlib import Path

import pytest

from lab import programs
from lab.guest import Guest

PROGRAM = "test_mesh_enforce_ends"
NFT = "/usr/sbin/nft"


@pytest.fixture(scope="module")
def program():
    program = Path(programs.warren()).parent / "tests/unit/mesh" / PROGRAM
    assert program.exists(), f"{program} is missing: build it with script/build"
    assert Path(NFT).exists(), "install the package nftables"
    return program


@pytest.fixture(scope="module")
def machine(program):
    guest = Guest([str(program), NFT])
    yield guest
    guest.close()


@pytest.mark.limit(180)
@pytest.mark.parametrize("kinds", ["engine kernel", "kernel kernel"])
def test_kernel_filters_a_tunnel(machine, program, kinds):
    status, output, errors = machine.script(f"WARREN_TEST_BACKENDS='{kinds}' {program}", timeout=170)
    assert status == 0, f"{output}\n{errors}"
    assert "FAILED" not in output
