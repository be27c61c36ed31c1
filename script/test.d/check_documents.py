"""Checks that the files and folders that the Markdown documents name are there.

Looked at are links to files, and words in code that begin with the name of a folder of the tree.
What a build makes is not looked for.
"""

import re
import subprocess
import sys
from pathlib import Path

TREE = Path(__file__).resolve().parents[2]
LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")
CODE = re.compile(r"`([^`\n]+)`|^ {4,}(\S.*)$", re.MULTILINE)
PATH = re.compile(r"(?<![\w/.])((?:bench|docs|packaging|script|src|tests)/[\w./-]*\w|(?:script|\.ci)/\w+)")
PLANNED = re.compile(r"\| planned \|$")


def documents():
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"],
        cwd=TREE, check=True, capture_output=True, text=True,
    )
    return [TREE / name for name in listed.stdout.splitlines() if (TREE / name).exists()]


def names_in(text):
    """(name, whether it is relative to the document) for each file that the text names."""
    text = "\n".join(line for line in text.splitlines() if not PLANNED.search(line))
    for match in LINK.finditer(text):
        yield match[1], True
    for match in CODE.finditer(text):
        for name in PATH.findall(match[1] or match[2]):
            yield name, False


def main():
    bad = [
        f"{document.relative_to(TREE)}: there is no {name}"
        for document in documents()
        for name, is_relative in names_in(document.read_text())
        if not ((document.parent if is_relative else TREE) / name).exists()
    ]
    print("\n".join(bad))
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
