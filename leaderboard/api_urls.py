from django.urls import path

from leaderboard import api

app_name = "leaderboard_api"
urlpatterns = [
    path("leaderboard/", api.Leaderboard.as_view(), name="leaderboard"),
    path("feed/", api.Feed.as_view(), name="feed"),
]
