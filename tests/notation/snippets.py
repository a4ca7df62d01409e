"""Texts as students paste them, in the folder `pasted`, with the model and the ignored lines expected for each.

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
    """A text and its expected result, by part, line by line; `understood` is the model's notation."""

    name: str
    text: str
    expected: dict[str, list[str]] = field(default_factory=dict)


def snippets() -> Iterator[Snippet]:
    """Reads the files: a text, and after each line `--- part` the lines of that part."""
    for path in sorted(FOLDER.glob("*.txt")):
        text, *parts = path.read_text().split("\n--- ")
        said = {name: body.splitlines() for name, _, body in (part.partition("\n") for part in parts)}
        yield Snippet(path.stem, text, said)


def read(text: str) -> dict[str, list[str]]:
    """The text's actual result, in the parts of a snippet's file."""
    try:
        models = read_all(text)
    except NotationError as refusal:
        return {"refused": [error["message"] for error in refusal.errors]}
    said: dict[str, list[str]] = {part: [] for part in PARTS}
    for parsed in models:
        said["understood"] += render(parsed.spec).splitlines()
        for part in ("harmless", "consequential"):
            said[part] += [line for line in getattr(parsed, part) if line not in said[part]]
    return {part: lines for part, lines in said.items() if lines}


def table() -> Iterator[str]:
    yield "| pasted | model | ignored, harmless | ignored, may change the score | refused |"
    yield "| --- | --- | --- | --- | --- |"
    for snippet in snippets():
        said = read(snippet.text)
        cells = ["<br>".join(f"`{line.strip()}`" for line in said.get(part, [])).replace("|", "\\|") for part in PARTS]
        yield f"| {' | '.join([snippet.name.replace('_', ' '), *cells])} |"


if __name__ == "__main__":
    print("\n".join(table()))  # noqa: T201
