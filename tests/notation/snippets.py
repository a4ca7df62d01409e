"""Texts as students paste them, in the folder `pasted`: what is understood of each, and what is left aside.

`python -m tests.notation.snippets` prints them as a table.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from submissions.notation.reader import NotationError, read_all
from submissions.notation.writer import render

FOLDER = Path(__file__).parent / "pasted"
PARTS = ("understood", "harmless", "consequential", "refused")


@dataclass(slots=True)
class Snippet:
    """A text and what is said of it, by part, line by line; `understood` is the notation."""

    name: str
    text: str
    said: dict[str, list[str]] = field(default_factory=dict)


def snippets() -> Iterator[Snippet]:
    """A file holds the text, and after a line `--- part` the lines of each part."""
    for path in sorted(FOLDER.glob("*.txt")):
        text, *parts = path.read_text().split("\n--- ")
        said = {name: body.splitlines() for name, _, body in (part.partition("\n") for part in parts)}
        yield Snippet(path.stem, text, said)


def read(text: str) -> dict[str, list[str]]:
    """What is said of the text now, as a snippet's file has it."""
    try:
        readings = read_all(text)
    except NotationError as refusal:
        return {"refused": [error["message"] for error in refusal.errors]}
    said: dict[str, list[str]] = {part: [] for part in PARTS}
    for reading in readings:
        said["understood"] += render(reading.spec).splitlines()
        for part in ("harmless", "consequential"):
            said[part] += [line for line in getattr(reading, part) if line not in said[part]]
    return {part: lines for part, lines in said.items() if lines}


def table() -> Iterator[str]:
    yield "| pasted | understood | left aside, harmless | left aside, may change the score | refused |"
    yield "| --- | --- | --- | --- | --- |"
    for snippet in snippets():
        said = read(snippet.text)
        cells = ["<br>".join(f"`{line.strip()}`" for line in said.get(part, [])).replace("|", "\\|") for part in PARTS]
        yield f"| {' | '.join([snippet.name.replace('_', ' '), *cells])} |"


if __name__ == "__main__":
    print("\n".join(table()))  # noqa: T201
