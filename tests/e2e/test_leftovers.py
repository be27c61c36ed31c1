"""Runs last: what the tests before it made is gone."""

from pathlib import Path

from lab import sandbox, wait


def test_no_process_namespace_or_file_is_left(no_guest):
    wait.until(lambda: not sandbox.processes(), 5, lambda: f"the end of {sandbox.processes()}")
    namespaces = {(one / "ns/net").readlink() for one in Path("/proc").iterdir() if one.name.isdigit()
                  and (one / "ns/net").exists()}
    assert len(namespaces) == 1
    assert list(Path("/run/netns").iterdir()) == []
    assert list(Path("/run/wireguard").iterdir()) == []
