from django.urls import path

from submissions.api import catalogue, finals, mistakes, submissions, validation

app_name = "api"
urlpatterns = [
    path("submissions/", submissions.Submissions.as_view(), name="submissions"),
    path("submissions/<int:pk>/", submissions.OneSubmission.as_view(), name="submission"),
    path("submissions/<int:pk>/cancel/", submissions.Cancel.as_view(), name="cancel"),
    path("submissions/<int:pk>/final/", finals.Final.as_view(), name="final"),
    path("submissions/<int:pk>/errors/", mistakes.Errors.as_view(), name="errors"),
    path("submissions/<int:pk>/compare/<int:other>/", mistakes.Compare.as_view(), name="compare"),
    path("models/validate/", validation.Validate.as_view(), name="validate"),
    path("quests/", catalogue.Quests.as_view(), name="quests"),
    path("hardware/", catalogue.AllHardware.as_view(), name="hardware"),
    path("workers/", catalogue.Workers.as_view(), name="workers"),
    path("me/", catalogue.Me.as_view(), name="me"),
]
