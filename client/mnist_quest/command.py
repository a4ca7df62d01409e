"""`mnist-quest`: the service from a terminal or a script."""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mnist_quest import __version__, login, tables
from mnist_quest.connection import address
from mnist_quest.errors import (
    CannotReach,
    ClientTooOld,
    NotExpressible,
    NotSignedIn,
    QuestError,
    Refused,
    RunFailed,
    ServiceTrouble,
    TryLater,
)
from mnist_quest.quest import Quest
from mnist_quest.run import Run
from mnist_quest.surroundings import say

CODES = """\
exit codes:
  0  done; for watch and submit --wait: the run is scored
  1  something that has no code of its own
  2  the command line is wrong
  3  the service refused it, or the model cannot be written as notation
  4  no token, or one that the service does not take
  5  the service cannot be reached, or has trouble of its own
  6  the run failed, took too long, or was cancelled
  7  the quota is used up, or requests came too fast: try later
  8  this client is too old for the service
  130  interrupted; a run that was watched goes on
"""
# The first that fits: TryLater is a Refused too.
EXIT_CODES: tuple[tuple[type[QuestError], int], ...] = (
    (TryLater, 7), (Refused, 3), (NotExpressible, 3), (NotSignedIn, 4), (CannotReach, 5), (ServiceTrouble, 5),
    (RunFailed, 6), (ClientTooOld, 8),
)  # fmt: skip

# Cells that are no Python: the whole of each is in another language, or goes into a file.
ANOTHER_LANGUAGE = re.compile(
    r"\s*%%(?:bash|sh|script|system|cmd|html|HTML|javascript|js|latex|markdown|svg|SVG|sql|R|perl|ruby|cython|writefile|file)\b|\s*%%!"
)


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    try:
        options.do(options)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # `mnist-quest feed | head`: whoever read has read enough
        sys.stderr.close()
        return 0
    except QuestError as error:
        _fail(error, as_json=options.json)
        return next((code for kind, code in EXIT_CODES if isinstance(error, kind)), 1)
    return 0


def _parser() -> argparse.ArgumentParser:
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--url", help="the service; else QUEST_URL, else the one last logged in to")
    shared.add_argument("--ca", metavar="FILE", help="certificate authorities to trust (PEM); else QUEST_CA")
    shared.add_argument("--json", action="store_true", help="answer, and fail, in JSON")
    plain = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser("mnist-quest", description=__doc__, epilog=CODES, formatter_class=plain)
    parser.add_argument("--version", action="version", version=f"mnist-quest {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, do: Any, about: str) -> argparse.ArgumentParser:
        command = commands.add_parser(name, parents=[shared], help=about, description=about)
        command.set_defaults(do=do)
        return command

    add("login", _login, "keep a token for this service: asked for, or read from standard input").add_argument(
        "address", nargs="?", metavar="URL"
    )
    submit = add("submit", _submit, "submit a model")
    submit.add_argument(
        "model", metavar="FILE-or-TEXT", help="a .py, .ipynb or .json file, - for standard input, or text"
    )
    submit.add_argument("--wait", action="store_true", help="watch it until it has ended")
    for name in ("quest", "device", "engine", "note"):
        submit.add_argument(f"--{name}")
    add("status", _status, "one run, or your group's latest").add_argument("run", nargs="?", type=int)
    add("watch", _watch, "follow a run until it has ended").add_argument("run", type=int)
    add("cancel", _cancel, "cancel a run").add_argument("run", type=int)
    for name, do, about in (("board", _board, "the ranking"), ("feed", _feed, "the chronicle, newest first")):
        listing = add(name, do, about)
        listing.add_argument("--quest")
        listing.add_argument("--limit", type=_count, default=50, metavar="ROWS", help="at most so many; 50")
    add("quota", _quota, "what is left today")
    return parser


def _count(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of rows: give 1 or more")
    return int(text)


def _quest(options: argparse.Namespace) -> Quest:
    return Quest(options.url, quest=getattr(options, "quest", None), verify=options.ca)


def _login(options: argparse.Namespace) -> None:
    url = address(options.address or _quest(options).url)
    text = login.prompt(url) if sys.stdin.isatty() else sys.stdin.readline()
    saved = Quest(url, token=text.strip() or None, verify=options.ca).login()
    _tell({"url": url, "file": str(saved)}, f"Logged in to {url}; the token is kept in {saved}.", options)


def _submit(options: argparse.Namespace) -> None:
    run = _quest(options).submit(_model(options.model), device=options.device, engine=options.engine, note=options.note)
    if options.wait:
        _wait(run, options)
    else:
        _tell(run.data, f"{run.told()}: {run.page}", options)


def _model(given: str) -> Any:
    """The text of a file, of standard input, or itself."""
    if given == "-":
        return sys.stdin.read()
    path = Path(given)
    # A text with line ends or parentheses is hardly ever a file's name, and can be too long to be looked for.
    if len(given) > 250 or "\n" in given or not path.is_file():
        if path.suffix in (".py", ".ipynb", ".json") and "(" not in given:
            raise NotExpressible(f"There is no file {given}.")
        return given
    text = path.read_text(encoding="utf-8")
    return _cells(text, given) if path.suffix == ".ipynb" else text


def _cells(notebook: str, name: str) -> str:
    """A notebook's code as it stands there; the service itself tells which lines it leaves aside."""
    try:
        cells = [cell["source"] for cell in json.loads(notebook)["cells"] if cell["cell_type"] == "code"]
    except (ValueError, KeyError, TypeError) as error:
        raise NotExpressible(f"{name} is not a notebook.") from error
    return "\n".join(code for code in map("".join, cells) if not ANOTHER_LANGUAGE.match(code))


def _status(options: argparse.Namespace) -> None:
    if options.run is None:
        runs = _quest(options).runs(limit=20)
        _tell([run.data for run in runs], str(runs), options)
    else:
        run = _quest(options).run(options.run)
        _tell(run.data, f"{run.told()}\n{run.model}\n{run.page}", options)


def _watch(options: argparse.Namespace) -> None:
    _wait(_quest(options).run(options.run), options)


def _wait(run: Run, options: argparse.Namespace) -> None:
    try:
        run.wait()
    except (RunFailed, KeyboardInterrupt):
        _tell_json(run, options)
        raise
    _tell_json(run, options)


def _tell_json(run: Run, options: argparse.Namespace) -> None:
    if options.json:
        _tell(run.data, "", options)


def _cancel(options: argparse.Namespace) -> None:
    run = _quest(options).run(options.run).cancel()
    told = f"Run {run.id} will be cancelled within a second." if run.is_live else run.told()
    _tell(run.data, told, options)


def _board(options: argparse.Namespace) -> None:
    rows = tables.Rows(_quest(options).board_rows(options.limit))
    _tell(rows, str(rows), options)


def _feed(options: argparse.Namespace) -> None:
    lines = _quest(options).feed(options.limit)
    _tell(lines, str(lines), options)


def _quota(options: argparse.Namespace) -> None:
    rows = _quest(options).quota()
    _tell(rows, str(rows), options)


def _tell(data: Any, text: str, options: argparse.Namespace) -> None:
    say(json.dumps(data, indent=1) if options.json else text, to=sys.stdout)


def _fail(error: QuestError, *, as_json: bool) -> None:
    if isinstance(error, RunFailed):
        return  # how it ended was shown by whoever watched it
    if as_json:
        errors = error.errors if isinstance(error, Refused) else [("", str(error))]
        say(json.dumps({"errors": [{"field": field, "message": message} for field, message in errors]}), to=sys.stdout)
    else:
        say(str(error))


if __name__ == "__main__":
    sys.exit(main())
