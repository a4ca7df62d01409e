"""Strips prompts, line numbers and the feed's words from a copied text. Lines keep their numbers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import pairwise, zip_longest

from submissions.notation.literals import IgnoredLine

# Characters at the beginning of a line that patterns are matched against, which bounds the time they can take.
HEAD = 300

PROMPT = re.compile(r"(In ?\[[\d *]{0,8}\]:|>>>)(?: |$)")
CONTINUED = re.compile(r"(\.{3,12}:?)(?: |$)")
OUTPUT = re.compile(r"Out ?\[\d{0,8}\]:")
CELL = re.compile(r"\[[\d *]{0,8}\]:(?: |$)")
NUMBERED = re.compile(r"(\d{1,5})(?:[ \t]{1,4}[|│](?:[ \t]|$)|[:.|)]?[ \t]|[:.|)]?$)")
MAGIC = re.compile(
    r"%{1,2}[A-Za-z]|!\s*\w|```|\?{1,2}\w|[\w.]{1,80}\?{1,2}\s{0,9}$"
    r"|\w[\w, ]{0,80}=\s{0,3}(?:!|%{1,2})\s{0,3}[A-Za-z]"
)
# Magics that time or profile the statement that follows them.
MEASURED = re.compile(
    r"(\w[\w, ]{0,80}=\s{0,3})?%{1,2}(?:time|timeit|prun|memit|mprun|lprun)(?!\w)"
    r"(?:\s{1,3}-(?:[nrplt]\s?\d{1,9}|[sTDf]\s?[\w.]{1,40}|\w{1,8}))*\s{0,9}"
)
STAMP = r"(?:[-*] )?(?:\d{1,4}[/.-]\d{1,2}(?:[/.-]\d{2,4})?,? {1,3}\d{1,2}:\d{2}(?::\d{2})? {0,3}>? {0,3})"
FACTS = r"(?:\w{1,20} {0,2}= {0,2}[^,()= ]{1,60} {0,2}, {0,3})"
# 12/10 11:13> "ITMALGrp17: best: dat=mnist, score=0.97206, model=KNeighborsClassifier(…)"
FEED = re.compile(
    rf"{STAMP}?[\"']?(?:[\w.-]{{1,60}}: {{0,3}})?best: {{0,3}}{FACTS}*(?:model {{0,2}}= {{0,2}})?(?=[A-Za-z{{])"
    rf"|(?:{STAMP}[\"']?(?:[^:=\"]{{1,80}}: {{0,3}})?|[\"']?[\w.-]{{1,60}}: {{0,3}})"
    rf"(?:best: {{0,3}})?{FACTS}{{1,9}}model {{0,2}}= {{0,2}}(?=[A-Za-z{{(])",
    re.IGNORECASE,
)
RESULT_LABEL = re.compile(
    r"(?:(?:ctor for )?best[ _](?:model|estimator|param(?:eter)?s?)[\w ']{0,40}:"
    r"|best (?:model|estimator|param(?:eter)?s?) {0,3}=|best: {0,3}[\d.]{1,20} using) {0,3}(?=[A-Za-z{])",
    re.I,
)
# A line of a search's report. The rest of such a text was printed too.
REPORT = re.compile(r"(?i)(?:ctor for )?best [\w ']{1,60}[:=]|best: {0,3}[\d.]{1,20} using")
# The parts of a report that are read: parameters and constructors.
ENTRY = re.compile(r"\{|(?:\w{1,60}\.){0,5}[A-Z]\w{0,60}\(")
QUOTED = re.compile(r"[A-Za-z_][\w.]{0,80}\(")
DATA_SET = re.compile(r"dat {0,2}= {0,2}([\w-]{1,60})", re.IGNORECASE)
TYPOGRAPHY = str.maketrans({"“": '"', "”": '"', "‘": "'", "’": "'", "\u00a0": " ", "\ufeff": "", "\t": "    "})


@dataclass(slots=True)
class SourceText:
    """The Python of a text, with its original line numbers, and what surrounded it."""

    code: str
    ignored: list[IgnoredLine] = field(default_factory=list)
    # (line, name) of each data set named in a line of the feed.
    data_sets: list[tuple[int, str]] = field(default_factory=list)
    # The lines where a model of the feed begins.
    feed_lines: set[int] = field(default_factory=set)
    # Models and parameters that a session or a search printed, on their own lines; all other lines are empty.
    printed: str = ""

    def as_printed(self) -> SourceText:
        """The same for a report that is no Python: its entries are read, and everything else is ignored."""
        both = zip_longest(self.code.split("\n"), self.printed.split("\n"), fillvalue="")
        lines = enumerate(both, start=1)
        lost = [IgnoredLine(number, said.strip()[:80]) for number, (said, read) in lines if said.strip() and not read]
        return replace(self, code="", ignored=[*self.ignored, *lost])

    def shown(self) -> str:
        """Code and printed entries, each on its own line."""
        both = zip_longest(self.code.split("\n"), self.printed.split("\n"), fillvalue="")
        return "\n".join(code or printed for code, printed in both)


def cleaned(text: str) -> SourceText:
    """The text without anything that is not Python. Nothing is judged yet."""
    plain = text.translate(TYPOGRAPHY).replace("\r\n", "\n").replace("\r", "\n").replace("\\_", "_")
    lines = _without_numbers(_without_quotes(plain).split("\n"))
    lines, printed, output = _without_prompts(lines)
    lines, commands = _without_magic(lines)
    source = _without_feed(lines)
    lines, printed = source.code.split("\n"), _without_feed(printed).code.split("\n")
    if not any(printed) and _has_report(plain):
        printed = lines
    return replace(
        source,
        code="\n".join(_without_indent(lines)),
        ignored=[*output, *commands, *source.ignored],
        printed="\n".join(_entries(printed)) if any(printed) else "",
    )


def _has_report(text: str) -> bool:
    return "best" in text.lower() and any(REPORT.match(line.lstrip()[:HEAD]) for line in text.split("\n"))


def depth_of(line: str) -> int:
    """The number of brackets that the line leaves open; negative if it closes more than it opens."""
    opened = line.count("(") + line.count("[") + line.count("{")
    return opened - line.count(")") - line.count("]") - line.count("}")


def _without_numbers(lines: list[str]) -> list[str]:
    """Removes line numbers at the left edge, if every line has one and they increase."""
    found = [NUMBERED.match(line.lstrip()[:HEAD]) for line in lines]
    numbers = [int(match[1]) for match, line in zip(found, lines, strict=True) if match and line.strip()]
    if not numbers or len(numbers) != sum(bool(line.strip()) for line in lines):
        return lines
    if any(after <= before for before, after in pairwise(numbers)):
        return lines
    return [line.lstrip()[match.end() :] if match else line for match, line in zip(found, lines, strict=True)]


def _without_prompts(lines: list[str]) -> tuple[list[str], list[str], list[IgnoredLine]]:
    """The code of a session, its output, both line by line, and the output as ignored lines."""
    starts = [PROMPT.match(line.lstrip()[:HEAD]) for line in lines]
    doctest = any(start and start[1] == ">>>" for start in starts)
    kept, shown, ignored, depth, printed = [], [], [], 0, False
    for number, (line, start) in enumerate(zip(lines, starts, strict=True), start=1):
        bare = line.lstrip()
        continued = CONTINUED.match(bare[:HEAD]) if any(starts) else None
        if output := OUTPUT.match(bare[:HEAD]) or CELL.match(bare[:HEAD]):
            printed, code = any(starts), bare[output.end() :].lstrip()
        elif prompt := start or continued:
            printed, code = False, bare[prompt.end() :]
        else:
            printed = printed or (doctest and depth <= 0)
            code = line
        if printed and code.strip():
            ignored.append(IgnoredLine(number, bare[:80]))
        kept.append("" if printed else code)
        shown.append(code if printed else "")
        depth += 0 if printed else depth_of(code)
    return kept, shown, ignored


def _without_magic(lines: list[str]) -> tuple[list[str], list[IgnoredLine]]:
    """Removes notebook commands, such as %matplotlib inline and !pip install, and comments; both count as ignored."""
    kept, ignored = [], []
    for number, line in enumerate(lines, start=1):
        bare = line.lstrip()
        indent = line[: len(line) - len(bare)]
        if not any(sign in bare for sign in "#%!?`"):
            pass
        elif measured := MEASURED.match(bare[:HEAD]):
            ignored.append(IgnoredLine(number, measured[0].removeprefix(measured[1] or "").strip()))
            bare = (measured[1] or "") + bare[measured.end() :] if bare[measured.end() :].strip() else ""
            line = indent + bare
        elif bare.startswith("#") or MAGIC.match(bare[:HEAD]):
            ignored.append(IgnoredLine(number, bare[:80]))
            # A block needs a statement.
            line = f"{indent}pass" if indent and bare[0] in "!%" else ""
        kept.append(line)
    return kept, ignored


def _without_feed(lines: list[str]) -> SourceText:
    """Reduces the feed's lines to their models, each of which may span several lines."""
    source, kept = SourceText(""), []
    entry: _Entry | None = None
    for number, line in enumerate(lines, start=1):
        bare = line.lstrip()
        if head := _feed_prefix(bare[:HEAD]):
            _ignore(source, number, head[0].replace('"', "").strip().rstrip(",").removesuffix("model="))
            source.feed_lines |= {number} if DATA_SET.search(head[0]) else set()
            entry, line = _Entry(), bare[head.end() :]
            if line.startswith("("):  # in place of a hidden model, the feed says when it will be shown
                _ignore(source, number, line)
                entry, line = None, ""
        if entry:
            line = line.replace("\\n", " ").replace("\\'", "'").replace('\\"', '"')
            end = entry.end_in(line)
            if end is not None:
                _ignore(source, number, line[end:])
                entry, line = None, line[:end]
        kept.append(line)
    return replace(source, code="\n".join(kept))


def _feed_prefix(line: str) -> re.Match[str] | None:
    """The text before a model in a line of the feed, or where a program prints one."""
    lower = line.lower()
    if "best" not in lower and "model" not in lower:
        return None
    return FEED.match(line) or RESULT_LABEL.match(line)


def _ignore(source: SourceText, number: int, said: str) -> None:
    """Records the feed's words before or after a model, and the data sets that they name."""
    source.data_sets += [(number, name.lower()) for name in DATA_SET.findall(said)]
    if shown := said.strip(" \"',;"):
        source.ignored.append(IgnoredLine(number, shown[:80]))


class _Entry:
    """Follows a constructor or a dictionary among other words, over one or more lines."""

    def __init__(self) -> None:
        self._depth = 0
        self._quote = ""

    def end_in(self, line: str) -> int | None:
        """The position after its closing bracket, or after its name if it has no bracket; None if it goes on."""
        self._quote = ""
        for place, character in enumerate(line):
            if self._quote:
                self._quote = "" if character == self._quote else self._quote
            elif character in "([{":
                self._depth += 1
            elif character in ")]}":
                self._depth -= 1
                if self._depth <= 0:
                    return place + 1
            elif self._depth and character in "'\"":
                self._quote = character
            elif not self._depth and not (character.isalnum() or character in "_. "):
                return place
        return None if self._depth else len(line)


def _entries(lines: list[str]) -> Iterator[str]:
    """The printed lines that hold a model or its parameters; all others become empty."""
    entry: _Entry | None = None
    for line in lines:
        if entry is None and ENTRY.match(line.strip(" \t'\"")[:HEAD]):
            entry, line = _Entry(), line.strip(" \t'\"")
        if entry is None:
            yield ""
            continue
        end = entry.end_in(line)
        yield line if end is None else line[:end]
        entry = entry if end is None else None


def _without_indent(lines: list[str]) -> list[str]:
    """Removes the indentation of code copied out of a function, also where the first line lost its own."""
    written = [line for line in lines if line.strip()]
    if not any(line.rstrip().endswith(":") for line in written):
        return list(_unindented(lines))
    shared = len(written[0]) - len(written[0].lstrip())
    return [line[min(shared, len(line) - len(line.lstrip())) :] for line in lines]


def _unindented(lines: list[str]) -> Iterator[str]:
    """Removes all indentation except inside brackets; for statements without blocks."""
    depth = 0
    for line in lines:
        yield line.lstrip() if depth <= 0 else line
        depth += depth_of(line)


def _without_quotes(text: str) -> str:
    """Removes the quotes around a model that was copied with them."""
    bare = text.strip()
    quoted = bare[:1] in ("'", '"', "`") and bare[-1:] == bare[:1] and QUOTED.match(bare[1:HEAD])
    return text.replace(bare, bare[1:-1], 1) if quoted else text
