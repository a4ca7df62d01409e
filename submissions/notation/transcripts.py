"""What a copied text has around its Python: prompts, line numbers, the feed's own words. Lines keep their numbers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import pairwise, zip_longest

from submissions.notation.literals import Aside

# How much of a line is looked at for what may stand before the code: patterns see no more, so none can take long.
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
# What measures a statement, or profiles it: behind it stands the statement itself.
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
SAID_BEFORE = re.compile(
    r"(?:(?:ctor for )?best[ _](?:model|estimator|param(?:eter)?s?)[\w ']{0,40}:"
    r"|best (?:model|estimator|param(?:eter)?s?) {0,3}=|best: {0,3}[\d.]{1,20} using) {0,3}(?=[A-Za-z{])",
    re.I,
)
# A line of a search's report: what else stands in the text was printed as well.
REPORT = re.compile(r"(?i)(?:ctor for )?best [\w ']{1,60}[:=]|best: {0,3}[\d.]{1,20} using")
# What is read of a report: parameters, and constructors.
ENTRY = re.compile(r"\{|(?:\w{1,60}\.){0,5}[A-Z]\w{0,60}\(")
QUOTED = re.compile(r"[A-Za-z_][\w.]{0,80}\(")
DATA_SET = re.compile(r"dat {0,2}= {0,2}([\w-]{1,60})", re.IGNORECASE)
TYPOGRAPHY = str.maketrans({"“": '"', "”": '"', "‘": "'", "’": "'", "\u00a0": " ", "\ufeff": "", "\t": "    "})


@dataclass(slots=True)
class SourceText:
    """The Python of a text, line by line as it was, and what stood around it."""

    code: str
    asides: list[Aside] = field(default_factory=list)
    # (line, name) of each data set that a line of the feed names.
    data_sets: list[tuple[int, str]] = field(default_factory=list)
    # The lines at which a model of the feed begins.
    feed: set[int] = field(default_factory=set)
    # The models and parameters among what a session or a search printed, in their lines; the rest of these is empty.
    printed: str = ""

    def as_printed(self) -> SourceText:
        """The same where none of it is Python: a report, of which the entries are read and all else is left aside."""
        both = zip_longest(self.code.split("\n"), self.printed.split("\n"), fillvalue="")
        lines = enumerate(both, start=1)
        lost = [Aside(number, said.strip()[:80]) for number, (said, read) in lines if said.strip() and not read]
        return replace(self, code="", asides=[*self.asides, *lost])

    def shown(self) -> str:
        """Code and what was printed, each in its lines."""
        both = zip_longest(self.code.split("\n"), self.printed.split("\n"), fillvalue="")
        return "\n".join(code or printed for code, printed in both)


def cleaned(text: str) -> SourceText:
    """The text without what is no Python; nothing in it is judged yet."""
    plain = text.translate(TYPOGRAPHY).replace("\r\n", "\n").replace("\r", "\n").replace("\\_", "_")
    lines = _without_quotes(plain).split("\n")
    source = SourceText("")
    lines, printed = _without_prompts(_without_numbers(lines), source)
    lines = _without_feed(_without_magic(lines, source), source)
    printed = _without_feed(printed, SourceText(""))
    if (
        not any(printed)
        and "best" in plain.lower()
        and any(REPORT.match(line.lstrip()[:HEAD]) for line in plain.split("\n"))
    ):
        printed = lines
    source.code = "\n".join(_without_indent(lines))
    source.printed = "\n".join(_entries(printed)) if any(printed) else ""
    return source


def depth_of(line: str) -> int:
    """How many brackets the line leaves open; negative where it closes more."""
    opened = line.count("(") + line.count("[") + line.count("{")
    return opened - line.count(")") - line.count("]") - line.count("}")


def _without_numbers(lines: list[str]) -> list[str]:
    """Without the line numbers at the left edge, where every line has one and they count up."""
    found = [NUMBERED.match(line.lstrip()[:HEAD]) for line in lines]
    numbers = [int(match[1]) for match, line in zip(found, lines, strict=True) if match and line.strip()]
    if not numbers or len(numbers) != sum(bool(line.strip()) for line in lines):
        return lines
    if any(after <= before for before, after in pairwise(numbers)):
        return lines
    return [line.lstrip()[match.end() :] if match else line for match, line in zip(found, lines, strict=True)]


def _without_prompts(lines: list[str], source: SourceText) -> tuple[list[str], list[str]]:
    """The code of a session, and what the session printed: that is left aside, as it is no code."""
    starts = [PROMPT.match(line.lstrip()[:HEAD]) for line in lines]
    doctest = any(start and start[1] == ">>>" for start in starts)
    kept, shown, depth, printed = [], [], 0, False
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
            source.asides.append(Aside(number, bare[:80]))
        kept.append("" if printed else code)
        shown.append(code if printed else "")
        depth += 0 if printed else depth_of(code)
    return kept, shown


def _without_magic(lines: list[str], source: SourceText) -> list[str]:
    """Without the notebook's own commands, such as %matplotlib inline and !pip install; comments are named."""
    kept = []
    for number, line in enumerate(lines, start=1):
        bare = line.lstrip()
        indent = line[: len(line) - len(bare)]
        if not any(sign in bare for sign in "#%!?`"):
            pass
        elif measured := MEASURED.match(bare[:HEAD]):
            source.asides.append(Aside(number, measured[0].removeprefix(measured[1] or "").strip()))
            bare = (measured[1] or "") + bare[measured.end() :] if bare[measured.end() :].strip() else ""
            line = indent + bare
        elif bare.startswith("#") or MAGIC.match(bare[:HEAD]):
            source.asides.append(Aside(number, bare[:80]))
            # A block of commands alone would be none.
            line = f"{indent}pass" if indent and bare[0] in "!%" else ""
        kept.append(line)
    return kept


def _without_feed(lines: list[str], source: SourceText) -> list[str]:
    """The models of the feed's lines, each of which may run over several."""
    kept: list[str] = []
    entry: _Entry | None = None
    for number, line in enumerate(lines, start=1):
        bare = line.lstrip()
        if head := _head(bare[:HEAD]):
            _leave(source, number, head[0].replace('"', "").strip().rstrip(",").removesuffix("model="))
            source.feed |= {number} if DATA_SET.search(head[0]) else set()
            entry, line = _Entry(), bare[head.end() :]
            if line.startswith("("):  # the feed says there when the model is shown
                _leave(source, number, line)
                entry, line = None, ""
        if entry:
            line = line.replace("\\n", " ").replace("\\'", "'").replace('\\"', '"')
            end = entry.end_in(line)
            if end is not None:
                _leave(source, number, line[end:])
                entry, line = None, line[:end]
        kept.append(line)
    return kept


def _head(line: str) -> re.Match[str] | None:
    """What stands before a model in a line of the feed, or where a program prints one."""
    told = line.lower()
    if "best" not in told and "model" not in told:
        return None
    return FEED.match(line) or SAID_BEFORE.match(line)


def _leave(source: SourceText, number: int, said: str) -> None:
    """What the feed says before and after a model."""
    source.data_sets += [(number, name.lower()) for name in DATA_SET.findall(said)]
    if shown := said.strip(" \"',;"):
        source.asides.append(Aside(number, shown[:80]))


class _Entry:
    """A constructor or a dictionary among other words, over as many lines as it has."""

    def __init__(self) -> None:
        self._depth = 0
        self._quote = ""

    def end_in(self, line: str) -> int | None:
        """Where in the line it ends: at the bracket that closes it, or, without any, behind its name."""
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
    """The lines of what was printed that hold a model or its parameters; the others empty."""
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
    """Without the indentation that code from within a function has – or its later lines alone, the first cut short."""
    written = [line for line in lines if line.strip()]
    if not any(line.rstrip().endswith(":") for line in written):
        return list(_flat(lines))
    shared = len(written[0]) - len(written[0].lstrip())
    return [line[min(shared, len(line) - len(line.lstrip())) :] for line in lines]


def _flat(lines: list[str]) -> Iterator[str]:
    """Statements without blocks among them need no indentation; what stands in brackets keeps its own."""
    depth = 0
    for line in lines:
        yield line.lstrip() if depth <= 0 else line
        depth += depth_of(line)


def _without_quotes(text: str) -> str:
    """A model that was copied with the quotes around it."""
    bare = text.strip()
    quoted = bare[:1] in ("'", '"', "`") and bare[-1:] == bare[:1] and QUOTED.match(bare[1:HEAD])
    return text.replace(bare, bare[1:-1], 1) if quoted else text
