"""The public pages, and the instructors' desk beside them under a name of its own."""

from django.urls import include, path

from leaderboard import feed, status, views

public = [
    path("", views.board_page, name="board"),
    path("feed/", feed.feed_page, name="feed"),
    path("feed.txt", feed.feed_text, name="feed-text"),
    path("status/", status.status_page, name="status"),
]
urlpatterns = [
    path("", include((public, "leaderboard"))),
    path("desk/", include("leaderboard.desk_urls")),
]
