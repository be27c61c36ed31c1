"""The tree keeps to its floors, its headers stand alone, and the check sees what it should."""

import re
import shlex
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from check_floors import check, read_floors

TREE = Path(__file__).parents[2]

# A tree with one of everything that is allowed.
GOOD = {
    "docs/architecture.md": "| 0 | `src/base/` | x |\n| 3 | `src/wg/` | x |\n| 3 | `src/path/` | x |\n"
    "| 5 | `src/engine/` | x |\n",
    "src/base/base.h": "#include <stdint.h>\n#include <sys/types.h>\n",
    "src/wg/peer.h": '#include "base/base.h"\n',
    "src/wg/peer.c": '#include "wg/peer.h"\n\n#include <string.h>\n\n#include "base/base.h"\n',
    "src/path/path.h": '#include "base/base.h"\n',
    "src/engine/engine.c": '#include <unistd.h>\n\n#include "path/path.h"\n#include "wg/peer.h"\n',
}

# What a change to it must be found for: the file, its new text, a part of the message.
BAD = {
    "climbs a floor": ("src/base/base.h", '#include "wg/peer.h"\n', "is on floor 3"),
    "enters a neighbour's folder": ("src/wg/peer.c", '#include "path/path.h"\n', "is on floor 3"),
    "climbs, with odd spacing": ("src/wg/peer.h", ' #  include  "engine/engine.c"\n', "floor 5"),
    "leaves the folder out": ("src/wg/peer.c", '#include "peer.h"\n', "no \"folder/file.h\""),
    "is relative to the file": ("src/wg/peer.c", '#include "../wg/peer.h"\n', "no \"folder/file.h\""),
    "names no file": ("src/wg/peer.c", '#include "wg/gone.h"\n', "no \"folder/file.h\""),
    "takes ours for the system's": ("src/wg/peer.c", "#include <base/base.h>\n", "in quotes"),
    "does I/O on a pure floor": ("src/wg/peer.c", "#include <unistd.h>\n", "does no I/O"),
    "does socket I/O on a pure floor": ("src/base/base.h", "#include <sys/socket.h>\n", "does no I/O"),
    "is in a folder without a floor": ("src/attic/old.c", "\n", "has no floor"),
}


def write_tree(root, files):
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def test_floors_of_a_good_tree_are_fine(tmp_path):
    assert check(write_tree(tmp_path, GOOD)) == ([], 5)


@pytest.mark.parametrize("case", BAD)
def test_floors_finds_a_file_that(case, tmp_path):
    file, text, message = BAD[case]
    faults, _ = check(write_tree(tmp_path, GOOD | {file: text}))
    assert len(faults) == 1
    assert faults[0].startswith(f"{file}:1: ") and message in faults[0]


def test_floors_of_this_tree_are_kept():
    faults, files = check(TREE)
    assert files > 0
    assert not faults, "\n" + "\n".join(faults)


def test_floors_table_names_every_folder_of_this_tree():
    folders = {path.name for path in (TREE / "src").iterdir() if path.is_dir()}
    assert folders and folders <= set(read_floors(TREE))


def compiler_flags():
    """The include paths of the libraries that meson.build asks for."""
    names = re.findall(r"dependency\('([^']+)'\)", (TREE / "meson.build").read_text())
    libraries = [name for name in names if name != "threads"]
    answer = subprocess.run(["pkg-config", "--cflags", *libraries], check=True, capture_output=True, text=True)
    return shlex.split(answer.stdout)


def compile_alone(header, flags):
    """What the compiler has to say about a file that holds nothing but `#include "header"`."""
    # Headers of vector code are compiled without the option for their vectors, hence -Wno-psabi.
    command = ["gcc", "-std=gnu17", "-D_GNU_SOURCE", "-DWR_TEST_HOOKS=0", "-fsyntax-only",
               "-Wall", "-Wextra", "-Wno-psabi", "-Werror"]
    return subprocess.run(
        [*command, f"-I{TREE}/src", *flags, "-x", "c", "-"],
        input=f'#include "{header}"\n', capture_output=True, text=True,
    ).stderr


def test_floors_every_header_compiles_alone():
    headers = sorted(str(path.relative_to(TREE / "src")) for path in (TREE / "src").glob("**/*.h"))
    flags = compiler_flags()
    with ThreadPoolExecutor() as pool:
        said = list(pool.map(lambda header: compile_alone(header, flags), headers))
    complaints = [text for text in said if text]
    assert headers
    assert not complaints, "\n" + "\n".join(complaints)
