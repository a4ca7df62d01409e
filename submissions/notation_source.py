"""What a copied text has around its Python: prompts, line numbers, the feed's own words. Lines keep their numbers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise

from submissions.notation_text import Aside

# How much of a line is looked at for what may stand before the code: patterns see no more, so none can take long.
HEAD = 300

PROMPT = re.compile(r"(In ?\[[\d *]{0,8}\]:|>>>)(?: |$)")
CONTINUED = re.compile(r"(\.{3,12}:?)(?: |$)")
OUTPUT = re.compile(r"Out ?\[\d{0,8}\]:")
CELL = re.compile(r"\[[\d *]{0,8}\]:(?: |$)")
NUMBERED = re.compile(r"(\d{1,5})(?:[:.|)]?[ \t]|[:.|)]?$)")
MAGIC = re.compile(r"%{1,2}[A-Za-z]|!\s*\w|```|\?\w")
# 12/10 11:13> "ITMALGrp17: best: dat=mnist, score=0.97206, model=KNeighborsClassifier(…)"
FEED = re.compile(
    r"(?:[-*] )?(?:\d{1,4}[/.-]\d{1,2}(?:[/.-]\d{2,4})?,? {1,3}\d{1,2}:\d{2}(?::\d{2})? {0,3}>? {0,3})?"
    r"[\"']?(?:[\w.-]{1,60}: {0,3})?best: {0,3}(?:\w{1,20} {0,2}= {0,2}[^,()= ]{1,60} {0,2}, {0,3})*"
    r"(?:model {0,2}= {0,2})?(?=[A-Za-z{])",
    re.IGNORECASE,
)
SAID_BEFORE = re.compile(
    r"(?:ctor for )?best[ _](?:model|estimator|param(?:eter)?s?)[\w ']{0,40}: {0,3}(?=[A-Za-z{])", re.I
)
QUOTED = re.compile(r"[A-Za-z_][\w.]{0,80}\(")
FACT = re.compile(r",\s{0,3}(?:score|dat|time)\s{0,3}=\s{0,3}[\w.%-]{1,60}$")
DATA_SET = re.compile(r"dat {0,2}= {0,2}([\w-]{1,60})", re.IGNORECASE)
TYPOGRAPHY = str.maketrans({"“": '"', "”": '"', "‘": "'", "’": "'", "\u00a0": " ", "\ufeff": "", "\t": "    "})


@dataclass(slots=True)
class Source:
    """The Python of a text, line by line as it was, and what stood around it."""

    code: str
    asides: list[Aside] = field(default_factory=list)
    # (line, name) of each data set that a line of the feed names.
    data_sets: list[tuple[int, str]] = field(default_factory=list)


def cleaned(text: str) -> Source:
    """The text without what is no Python; nothing in it is judged yet."""
    plain = text.translate(TYPOGRAPHY).replace("\r\n", "\n").replace("\r", "\n").replace("\\_", "_")
    lines = _without_quotes(plain).split("\n")
    source = Source("")
    lines = _without_prompts(_without_numbers(lines), source)
    lines = _without_magic(lines, source)
    lines = _without_feed(lines, source)
    source.code = "\n".join(_without_indent(lines))
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


def _without_prompts(lines: list[str], source: Source) -> list[str]:
    """The code of a session; what the session printed is left aside, as it is no code."""
    starts = [PROMPT.match(line.lstrip()[:HEAD]) for line in lines]
    doctest = any(start and start[1] == ">>>" for start in starts)
    kept, depth, printed = [], 0, False
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
        depth += 0 if printed else depth_of(code)
    return kept


def _without_magic(lines: list[str], source: Source) -> list[str]:
    """Without the notebook's own commands, such as %matplotlib inline and !pip install; comments are named."""
    kept = []
    for number, line in enumerate(lines, start=1):
        bare = line.lstrip()
        if bare.startswith("#") or MAGIC.match(bare[:HEAD]):
            source.asides.append(Aside(number, bare[:80]))
            line = ""
        kept.append(line)
    return kept


def _without_feed(lines: list[str], source: Source) -> list[str]:
    """The models of the feed's lines, each of which may run over several."""
    kept, depth = [], 0
    inside = False
    for number, line in enumerate(lines, start=1):
        bare = line.lstrip()
        head = FEED.match(bare[:HEAD]) or SAID_BEFORE.match(bare[:HEAD])
        if head:
            said = head[0].strip().replace('"', "")
            source.asides.append(Aside(number, said.rstrip(",").removesuffix("model=").rstrip(" ,")[:80]))
            source.data_sets += [(number, name.lower()) for name in DATA_SET.findall(said)]
            inside, depth, line = True, 0, bare[head.end() :]
        if inside:
            line = line.replace("\\n", " ").replace("\\'", "'").replace('\\"', '"')
            depth += depth_of(line)
            inside = depth > 0
            line = line if inside else _without_end(line, source, number)
        kept.append(line)
    return kept


def _without_end(line: str, source: Source, number: int) -> str:
    """The last line of a feed's entry without its closing quote, and without what it says after the model."""
    line = line.rstrip(" \"',;")
    while fact := FACT.search(line[-HEAD:]):
        source.asides.append(Aside(number, fact[0].lstrip(", ")))
        source.data_sets += [(number, name.lower()) for name in DATA_SET.findall(fact[0])]
        line = line[: len(line) - len(fact[0])].rstrip()
    return line


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
