"""The painter process, `python -m leaderboard.charts.painter`: orders in and pictures out, as JSON lines.

It is separate because the drawing library takes 145 MB and does not work in a forked process.
"""

from __future__ import annotations

import base64
import json
import os
import queue
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import vl_convert

from leaderboard.charts.drawings import drawing

IDLE_SECONDS = 600.0
MOST_ORDERS = 2000  # then a fresh process takes over, so that memory does not grow

Order = dict[str, Any]


def compile_drawing(order: Order) -> Order:
    """The Vega specification of a chart, with empty data sets."""
    drawn = drawing(order["chart"], format=order["format"], scheme=order["scheme"], words=order["words"])
    return {"compile": vl_convert.vegalite_to_vega(drawn)}


def draw_svg(order: Order) -> Order:
    return {"svg": vl_convert.vega_to_svg(order["vega"])}


def draw_png(order: Order) -> Order:
    picture = vl_convert.vega_to_png(order["vega"], scale=order.get("scale", 2))
    return {"png": base64.b64encode(picture).decode()}


COMMANDS: dict[str, Callable[[Order], Order]] = {"compile": compile_drawing, "svg": draw_svg, "png": draw_png}


def main() -> None:
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # keeps prints of libraries out of the answers
    vl_convert.vegalite_to_vega({"mark": "point", "data": {"values": []}})  # the first call takes a second or more
    for order in _orders():
        answers.write(json.dumps(_answer(order)) + "\n")
        answers.flush()


def _answer(order: Order) -> Order:
    try:
        return COMMANDS[order["do"]](order)
    except Exception as error:  # noqa: BLE001 - one bad drawing must not end the painter
        return {"error": f"{type(error).__name__}: {error}"[:2000]}


def _orders() -> Iterator[Order]:
    """The orders as they arrive; ends after `IDLE_SECONDS` without one."""
    waiting: queue.Queue[bytes] = queue.Queue()
    threading.Thread(target=_read_input, args=(waiting,), daemon=True).start()
    for _ in range(MOST_ORDERS):
        try:
            yield json.loads(waiting.get(timeout=IDLE_SECONDS))
        except queue.Empty:
            return


def _read_input(waiting: queue.Queue[bytes]) -> None:
    for line in sys.stdin.buffer:
        waiting.put(line)
    os._exit(0)  # the web process is gone: end at once, even if a drawing hangs


if __name__ == "__main__":
    main()
