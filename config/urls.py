"""Every address of the site."""

from django.urls import include, path

from config import health

urlpatterns = [
    path("", include("leaderboard.urls")),
    path("", include("submissions.urls")),
    path("", include("config.account_urls")),
    path("api/v1/", include("submissions.api.urls")),
    path("api/v1/", include("leaderboard.api_urls")),
    path("api/", include("config.docs_urls")),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
]
handler404 = "config.errors.not_found"
handler403 = "config.errors.forbidden"
handler500 = "config.errors.server_error"
