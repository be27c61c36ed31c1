"""The reconciler (tests/unit/mesh/test_reconcile.c) with the kernel's WireGuard and Debian's kernel, in an emulated
machine."""

import shutil
from pathlib import Path

import pytest

from lab import programs
from lab.guest import Guest

# The shell of the guest has a program of its own for most names, which does less.
TOOLS = ["dash", "nft", "sysctl", "diff", "sed", "grep", "stat", "cut", "wc", "cat", "rm"]


BY_NIGHT = ["mends_what_was_deleted_by_hand", "begins_anew_with_another_interface", "forwards_where_it_may", "of_a_thousand_peers"]


@pytest.fixture(scope="module")
def program():
    path = Path(programs.warren()).parent / "tests/unit/mesh/test_mesh_reconcile"
    assert path.exists(), f"{path} is missing: build it with script/build"
    return path


@pytest.fixture(scope="module")
def machine(program):
    tools = [shutil.which(tool) for tool in TOOLS]
    assert all(tools), "missing: Debian packages nftables, procps, diffutils"
    guest = Guest([str(program), *tools])
    yield guest
    guest.close()


@pytest.mark.limit(200)
@pytest.mark.parametrize("name", ["makes_the_host_equal_to_the_map", "mends_peers",
                                  *(pytest.param(name, marks=pytest.mark.nightly) for name in BY_NIGHT)])
def test_reconciler_with_the_kernels_wireguard(machine, program, name):
    status, output, errors = machine.script(
        f"ln -sf {shutil.which('dash')} /bin/sh; "
        f"WARREN_TEST_BACKEND=kernel WARREN_TEST_ONLY=test_reconcile_{name} {program}", timeout=190)
    assert status == 0, f"{output}\n{errors}"
    assert f"OK ] test_reconcile_{name}" in output
    print(output)
