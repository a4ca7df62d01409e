"""The charts drawn by a real painter process, which takes seconds to start and ends with its parent."""

from __future__ import annotations

import subprocess
import sys
import time
from datetime import timedelta

import psutil
import pytest
from django.conf import settings

from leaderboard.charts import pictures
from leaderboard.charts.gallery import CHARTS
from leaderboard.charts.painter_process import NoPicture, Painter, PictureNotReady, painter, reply_deadline
from submissions.models import Attempt, Hardware, Submission
from tests.cast import FLAT_NET, FOREST

pytestmark = pytest.mark.trains


@pytest.fixture
def scored(submit, score, stranger, other_group):
    """The owner's group with a slow 350 and a quick 340 of 360, the stranger's with 345, submitted in this order."""
    return [
        score(submit(FOREST), 350, ago=timedelta(hours=3), train_s=600.0),
        score(submit(), 340, ago=timedelta(hours=2), train_s=0.5),
        score(submit(submitter=stranger, group=other_group), 345, ago=timedelta(hours=1), train_s=2.5),
    ]


@pytest.fixture
def network(scored, submit, score) -> Submission:
    """A network on a GPU, in addition to `scored`, so that no chart is empty."""
    gpu = Hardware.objects.create(key="g" * 16, cpu_model="EPYC", cores=2, ram_bytes=1, gpu_name="NVIDIA L4")
    net = score(submit(FLAT_NET), 330)
    Attempt.objects.filter(submission=net).update(hardware=gpu, device="gpu")
    return net


def ask(client, address: str):
    """Request as a browser does: again while the chart is not ready."""
    for _ in range(20):
        response = client.get(address)
        if response.status_code not in (202, 503):
            return response
        time.sleep(0.5)
    raise AssertionError(f"{address} was not drawn")


@pytest.mark.parametrize("chart", CHARTS)
@pytest.mark.parametrize("options", ["", "?narrow&dark", "?wall"])
def test_every_chart_is_drawn_as_svg(client, network, chart, options):
    response = ask(client, f"/charts/{chart}.svg{options}")

    assert response.status_code == 200
    assert response.headers["Content-Type"] == "image/svg+xml"
    assert "<svg" in response.text
    assert "<path" in response.text
    assert "e+308" not in response.text  # where Vega puts what it could not lay out


def test_a_single_score_is_drawn_inside_the_chart(client, submission, score):
    score(submission, 340)

    for chart in ("cost", "progress", "spread", "breakdown"):
        drawn = ask(client, f"/charts/{chart}.svg").text
        assert "e+308" not in drawn
        assert "NaN" not in drawn


def test_the_png_download_is_a_png_file(client, network):
    assert ask(client, "/charts/cost.png").content.startswith(b"\x89PNG\r\n")


def test_the_browser_gets_the_chart_with_the_readers_own_runs_marked(client, owner_client, network):
    def rows(of) -> list[dict]:
        drawn = ask(of, "/charts/cost.vega").json()
        return next(source["values"] for source in drawn["data"] if source["name"] == "runs")

    assert not any(row["own"] for row in rows(client))
    assert any(row["own"] for row in rows(owner_client))


def test_after_a_restart_a_drawing_comes_from_its_file(client, network, monkeypatch):
    drawn = ask(client, "/charts/cost.vega").json()
    pictures.compiled_drawings.clear()
    monkeypatch.setattr(Painter, "ask", lambda self, order, until: pytest.fail("A painter was asked again."))

    assert client.get("/charts/cost.vega").json() == drawn


def test_a_drawing_with_a_truncated_file_is_drawn_again(client, network):
    drawn = ask(client, "/charts/cost.vega").json()
    pictures.compiled_drawings.clear()
    for file in (settings.QUEST_HOME / "charts" / "pictures").glob("*.djcache"):
        file.write_bytes(file.read_bytes()[:40])

    assert ask(client, "/charts/cost.vega").json() == drawn


def test_lines_differ_in_their_dashes_and_the_legend_shows_the_same_dashes(client, network):
    drawn = ask(client, "/charts/progress.vega").json()
    scales = {scale["name"]: scale for scale in drawn["scales"]}
    legend = next(one for one in drawn["legends"] if "strokeDash" in one)
    dashes = [tuple(dash) for dash in scales[legend["strokeDash"]]["range"]]
    styles = list(zip(scales[legend["stroke"]]["range"], dashes, strict=True))

    assert len(set(dashes[:6])) == 6  # in one round of the colours
    assert len(set(styles)) == len(styles)


def test_a_failed_drawing_is_distinguished_from_a_late_one(client, network):
    with pytest.raises(NoPicture) as failed:
        painter.ask({"do": "compile", "chart": "nonsense"}, until=reply_deadline() + 30)

    assert not isinstance(failed.value, PictureNotReady)


def test_a_request_waits_no_longer_than_allowed_and_the_next_one_gets_its_picture():
    order = {"do": "svg", "vega": {"width": 10, "height": 10}}
    starting, began = Painter(), time.monotonic()

    with pytest.raises(PictureNotReady):
        starting.ask(order, until=began)  # the painter is still starting

    assert time.monotonic() - began < 2
    assert "<svg" in starting.ask(order, until=reply_deadline() + 30)["svg"]
    starting.close()


def test_a_dead_painter_is_replaced():
    order = {"do": "svg", "vega": {"width": 10, "height": 10}}
    assert "<svg" in painter.ask(order, until=reply_deadline() + 30)["svg"]
    psutil.Process(painter.pid).kill()
    psutil.Process(painter.pid).wait(10)

    assert "<svg" in painter.ask(order, until=reply_deadline() + 30)["svg"]


def test_the_painter_ends_with_the_process_that_started_it():
    code = (
        "import os\n"
        "from leaderboard.charts.painter_process import painter, reply_deadline\n"
        "painter.ask({'do': 'svg', 'vega': {'width': 9, 'height': 9}}, until=reply_deadline() + 30)\n"
        "print(painter.pid, flush=True); os._exit(9)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)

    painter = int(done.stdout)

    wait_until_gone(painter)


def wait_until_gone(pid: int) -> None:
    for _ in range(100):
        if not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            return
        time.sleep(0.1)
    raise AssertionError(f"process {pid} is still running")
