"""Checks that relative links in the documentation lead somewhere.

Looks at every Markdown file at the top of the repository and below docs/: the file that a link names must exist, and a
fragment must be a heading of it. Links to other sites are not followed. Prints each broken link as file:line and exits 1.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

REPOSITORY = Path(__file__).resolve().parent.parent
LINK = re.compile(r"!?\[[^\]]*\]\(<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\)|^\[[^\]]+\]:\s*(\S+)")
FENCE = re.compile(r"^\s*(```|~~~)")
CODE = re.compile(r"`[^`]*`")


def documents() -> list[Path]:
    """Return the Markdown files that are looked at."""
    return sorted([*REPOSITORY.glob("*.md"), *(REPOSITORY / "docs").rglob("*.md")])


def prose(document: Path) -> Iterator[tuple[int, str]]:
    """Yield (number, line) outside of code blocks, with code in lines taken out."""
    fenced = False
    for number, line in enumerate(document.read_text().splitlines(), 1):
        if FENCE.match(line):
            fenced = not fenced
        elif not fenced:
            yield number, CODE.sub("", line)


def anchors(document: Path) -> set[str]:
    """Return the fragments that the document's headings can be reached by."""
    found: set[str] = set()
    fenced = False
    for line in document.read_text().splitlines():
        if FENCE.match(line):
            fenced = not fenced
        elif not fenced and line.startswith("#"):
            heading = re.sub(r"[^\w\- ]", "", line.lstrip("#").strip().lower())
            found.add(heading.replace(" ", "-"))
    return found


def broken_links(document: Path) -> Iterator[str]:
    """Yield each link of the document that leads nowhere, in words."""
    for number, line in prose(document):
        for match in LINK.finditer(line):
            link = match.group(1) or match.group(2)
            if re.match(r"[a-z][a-z0-9+.-]*:", link):
                continue
            path, _, fragment = link.partition("#")
            target = (document.parent / unquote(path)).resolve() if path else document
            where = f"{document.relative_to(REPOSITORY)}:{number}: {link}"
            if not target.is_relative_to(REPOSITORY) or not target.exists():
                yield f"{where} is not there"
            elif fragment and target.suffix == ".md" and fragment not in anchors(target):
                yield f"{where}: no such heading"


def main() -> int:
    """Print the broken links and return the exit code."""
    found = [finding for document in documents() for finding in broken_links(document)]
    print("\n".join(found) if found else f"links: {len(documents())} documents, all lead somewhere")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
