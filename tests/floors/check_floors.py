#!/usr/bin/python3
"""Checks that the folders of src/ are the floors that docs/architecture.md says they are.

- Every folder has a floor: a row of the table in docs/architecture.md.
- A file includes headers of its own folder and of lower floors only; not of a higher floor, and
  not of another folder on the same one.
- Our headers are included as "folder/file.h", relative to src/.
- Floors 0 to 3 do no I/O, read no clock and start no thread, so they include no header that
  offers such a thing; but for the log, which writes to standard error.

usage: check_floors.py [TREE]
"""

import re
import sys
from pathlib import Path

FLOOR_ROW = re.compile(r"^\|\s*(\d+)\s*\|\s*`src/([a-z0-9_]+)/?`")
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(?:"([^"]*)"|<([^>]*)>)')

HIGHEST_PURE_FLOOR = 3
THE_LOG = "base/log.c"
IMPURE_HEADERS = re.compile(
    r"(unistd|fcntl|poll|time|pthread|threads|semaphore|signal|uv|net/if|sys/(?!types\b|param\b|cdefs\b|queue\b).*)\.h$"
)


def read_floors(tree):
    """Folder name -> floor number, from the table in docs/architecture.md."""
    text = (tree / "docs/architecture.md").read_text()
    rows = [match for line in text.splitlines() if (match := FLOOR_ROW.match(line))]
    return {row[2]: int(row[1]) for row in rows}


def includes_of(file):
    """Line number, name and whether it stands in quotes, of each #include of a file."""
    for number, line in enumerate(file.read_text().splitlines(), start=1):
        if match := INCLUDE.match(line):
            yield number, match[1] or match[2], match[1] is not None


def fault_of_system_header(src, floor, file, name):
    """What is wrong with `file`, of src/ and on `floor`, including <name>; or None."""
    if (src / name).is_file():
        return f'<{name}> is ours: write it in quotes, "{name}"'
    if floor <= HIGHEST_PURE_FLOOR and IMPURE_HEADERS.match(name) and file != src / THE_LOG:
        return f"floor {floor} does no I/O, so it has no use for <{name}>"
    return None


def fault_of_our_header(src, floors, folder, name):
    """What is wrong with a file of `folder` including "name"; or None."""
    if not (src / name).is_file() or len(Path(name).parts) != 2:
        return f'"{name}" is no "folder/file.h" relative to src/'
    other = name.split("/")[0]
    if other == folder or other not in floors or floors[other] < floors[folder]:
        return None
    return f'"{name}" is on floor {floors[other]}, this file on floor {floors[folder]}'


def check(tree):
    """A list of "file:line: what is wrong" for the tree, and the number of files read."""
    src = tree / "src"
    floors = read_floors(tree)
    faults = []
    files = sorted(file for file in src.glob("**/*.[ch]"))
    for file in files:
        where = file.relative_to(tree)
        folder = file.relative_to(src).parts[0]
        if folder not in floors:
            faults.append(f"{where}:1: src/{folder} has no floor in docs/architecture.md")
            continue
        for number, name, quoted in includes_of(file):
            if quoted:
                fault = fault_of_our_header(src, floors, folder, name)
            else:
                fault = fault_of_system_header(src, floors[folder], file, name)
            if fault:
                faults.append(f"{where}:{number}: {fault}")
    return faults, len(files)


def main():
    tree = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parents[2]
    faults, files = check(tree)
    for fault in faults:
        print(fault)
    if files == 0:
        sys.exit(f"no C files in {tree}/src")
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
