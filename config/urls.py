"""All URLs of the site."""

from django.urls import include, path

from config.web import health

urlpatterns = [
    path("", include("leaderboard.urls")),
    path("", include("submissions.urls")),
    path("", include("config.web.account_urls")),
    path("api/v1/", include("submissions.api.urls")),
    path("api/v1/", include("leaderboard.api_urls")),
    path("api/", include("config.web.docs_urls")),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
]
handler404 = "config.web.errors.not_found"
handler403 = "config.web.errors.forbidden"
handler500 = "config.web.errors.server_error"
