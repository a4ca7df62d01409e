"""`mnist-quest`: use the service from a terminal or a script."""

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
from mnist_quest.console import say
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

CODES = """\
exit codes:
  0  done; for watch and submit --wait: the run is scored
  1  any other error
  2  wrong command line
  3  refused, or the model cannot be written as text
  4  no token, or not accepted
  5  no connection, or an internal error of the service
  6  the run failed, timed out, or was cancelled
  7  the quota is used up, or requests came too fast: try later
  8  this client is too old for the service
  130  interrupted; the watched run continues
"""
# The first match counts: TryLater is a Refused, too.
EXIT_CODES: tuple[tuple[type[QuestError], int], ...] = (
    (TryLater, 7), (Refused, 3), (NotExpressible, 3), (NotSignedIn, 4), (CannotReach, 5), (ServiceTrouble, 5),
    (RunFailed, 6), (ClientTooOld, 8),
)  # fmt: skip

# Cells in another language, and cells that are written to a file.
ANOTHER_LANGUAGE = re.compile(
    r"\s*%%(?:bash|sh|script|system|cmd|html|HTML|javascript|js|latex|markdown|svg|SVG|sql|R|perl|ruby|cython|writefile|file)\b|\s*%%!"
)


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    try:
        options.do(options)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # `mnist-quest feed | head`: the reader has closed the pipe
        sys.stderr.close()
        return 0
    except QuestError as error:
        _fail(error, as_json=options.json)
        return next((code for kind, code in EXIT_CODES if isinstance(error, kind)), 1)
    return 0


def _parser() -> argparse.ArgumentParser:
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--url", help="the service (default: QUEST_URL, then the last login)")
    shared.add_argument("--ca", metavar="FILE", help="certificate authorities to trust, PEM (default: QUEST_CA)")
    shared.add_argument("--json", action="store_true", help="print answers and errors as JSON")
    plain = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser("mnist-quest", description=__doc__, epilog=CODES, formatter_class=plain)
    parser.add_argument("--version", action="version", version=f"mnist-quest {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, do: Any, about: str) -> argparse.ArgumentParser:
        command = commands.add_parser(name, parents=[shared], help=about, description=about)
        command.set_defaults(do=do)
        return command

    add("login", _login, "save a token for this service: prompted for, or read from standard input").add_argument(
        "address", nargs="?", metavar="URL"
    )
    submit = add("submit", _submit, "submit a model")
    submit.add_argument(
        "model", metavar="FILE-or-TEXT", help="a .py, .ipynb or .json file, - for standard input, or text"
    )
    submit.add_argument("--wait", action="store_true", help="follow the run until it ends")
    for name in ("quest", "device", "engine", "note"):
        submit.add_argument(f"--{name}")
    add("status", _status, "one run, or your group's latest").add_argument("run", nargs="?", type=int)
    add("watch", _watch, "follow a run until it ends").add_argument("run", type=int)
    add("cancel", _cancel, "cancel a run").add_argument("run", type=int)
    for name, do, about in (("board", _board, "the ranking"), ("feed", _feed, "the latest scores, newest first")):
        listing = add(name, do, about)
        listing.add_argument("--quest")
        listing.add_argument("--limit", type=_count, default=50, metavar="ROWS", help="maximum rows (default: 50)")
    add("quota", _quota, "submissions left today")
    return parser


def _count(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of rows: give 1 or more")
    return int(text)


def _quest(options: argparse.Namespace) -> Quest:
    return Quest(options.url, quest=getattr(options, "quest", None), verify=options.ca)


def _login(options: argparse.Namespace) -> None:
    url = address(options.address or _quest(options).url)
    text = login.prompt(url) if sys.stdin.isatty() else sys.stdin.readline()
    saved = Quest(url, token=text.strip() or None, verify=options.ca).login()
    _print({"url": url, "file": str(saved)}, f"Logged in to {url}; the token is saved in {saved}.", options)


def _submit(options: argparse.Namespace) -> None:
    run = _quest(options).submit(_model(options.model), device=options.device, engine=options.engine, note=options.note)
    if options.wait:
        _wait(run, options)
    else:
        _print(run.data, f"{run.summary()}: {run.page}", options)


def _model(argument: str) -> Any:
    """The text of a file, of standard input, or the argument itself."""
    if argument == "-":
        return sys.stdin.read()
    path = Path(argument)
    # Text with line breaks or parentheses is hardly ever a file name, and may be too long for one.
    if len(argument) > 250 or "\n" in argument or not path.is_file():
        if path.suffix in (".py", ".ipynb", ".json") and "(" not in argument:
            raise NotExpressible(f"There is no file {argument}.")
        return argument
    text = path.read_text(encoding="utf-8")
    return _cells(text, argument) if path.suffix == ".ipynb" else text


def _cells(notebook: str, name: str) -> str:
    """The code cells of a notebook, unchanged; the service reports the lines that it ignores."""
    try:
        cells = [cell["source"] for cell in json.loads(notebook)["cells"] if cell["cell_type"] == "code"]
    except (ValueError, KeyError, TypeError) as error:
        raise NotExpressible(f"{name} is not a notebook.") from error
    return "\n".join(code for code in map("".join, cells) if not ANOTHER_LANGUAGE.match(code))


def _status(options: argparse.Namespace) -> None:
    if options.run is None:
        runs = _quest(options).runs(limit=20)
        _print([run.data for run in runs], str(runs), options)
    else:
        run = _quest(options).run(options.run)
        _print(run.data, f"{run.summary()}\n{run.model}\n{run.page}", options)


def _watch(options: argparse.Namespace) -> None:
    _wait(_quest(options).run(options.run), options)


def _wait(run: Run, options: argparse.Namespace) -> None:
    try:
        run.wait()
    except (RunFailed, KeyboardInterrupt):
        _print_json(run, options)
        raise
    _print_json(run, options)


def _print_json(run: Run, options: argparse.Namespace) -> None:
    if options.json:
        _print(run.data, "", options)


def _cancel(options: argparse.Namespace) -> None:
    run = _quest(options).run(options.run).cancel()
    text = f"Run {run.id} will be cancelled within a second." if run.is_live else run.summary()
    _print(run.data, text, options)


def _board(options: argparse.Namespace) -> None:
    rows = tables.Rows(_quest(options).board_rows(options.limit))
    _print(rows, str(rows), options)


def _feed(options: argparse.Namespace) -> None:
    lines = _quest(options).feed(options.limit)
    _print(lines, str(lines), options)


def _quota(options: argparse.Namespace) -> None:
    rows = _quest(options).quota()
    _print(rows, str(rows), options)


def _print(data: Any, text: str, options: argparse.Namespace) -> None:
    say(json.dumps(data, indent=1) if options.json else text, to=sys.stdout)


def _fail(error: QuestError, *, as_json: bool) -> None:
    if isinstance(error, RunFailed):
        return  # the progress bar has shown how it ended
    if as_json:
        errors = error.errors if isinstance(error, Refused) else [("", str(error))]
        say(json.dumps({"errors": [{"field": field, "message": message} for field, message in errors]}), to=sys.stdout)
    else:
        say(str(error))


if __name__ == "__main__":
    sys.exit(main())
