"""The lab of tests/e2e, with an internet in it: sites behind NATs of every kind, and a server."""

import importlib.util
import os
import sys
from pathlib import Path

import pytest

sys.dont_write_bytecode = True
E2E = Path(__file__).resolve().parents[1] / "e2e"
sys.path.insert(0, str(E2E))
sys.path.insert(0, str(Path(__file__).parent))

_spec = importlib.util.spec_from_file_location("e2e_conftest", E2E / "conftest.py")
_e2e = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_e2e)
globals().update({name: value for name, value in vars(_e2e).items() if name.startswith("pytest_") or name == "lab"})

from neighbours import many  # noqa: E402


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config):
    """Outside, the machine's limits are higher while the tests run."""
    if _e2e.sandbox.is_inside() or os.geteuid() != 0 or config.option.collectonly:
        return _e2e.pytest_cmdline_main(config)
    with many():
        return _e2e.pytest_cmdline_main(config)


from internet import Internet  # noqa: E402


@pytest.fixture
def internet(lab):
    return Internet(lab)
