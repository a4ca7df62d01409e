"""The public pages, and the instructors' desk in its own namespace."""

from django.urls import include, path

from leaderboard.charts import pages as charts
from leaderboard.pages import board, feed, status

public = [
    path("", board.board_page, name="board"),
    path("feed/", feed.feed_page, name="feed"),
    path("feed.txt", feed.feed_text, name="feed-text"),
    path("charts/", charts.charts_page, name="charts"),
    path("charts/vega-<str:version>.js", charts.vega_bundle, name="vega"),
    path("charts/<slug:chart>.<slug:form>", charts.chart_file, name="chart"),
    path("status/", status.status_page, name="status"),
]
urlpatterns = [
    path("", include((public, "leaderboard"))),
    path("desk/", include("leaderboard.desk.urls")),
]
