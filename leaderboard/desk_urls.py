"""Addresses of the instructors' desk."""

from django.urls import path, re_path

from leaderboard import (
    desk_acts,
    desk_compute,
    desk_courses,
    desk_extensions,
    desk_freeze,
    desk_groups,
    desk_history,
    desk_logins,
    desk_preview,
    desk_quests,
    desk_queue,
    desk_ranking,
    desk_views,
)

app_name = "desk"
urlpatterns = [
    path("", desk_views.submissions, name="submissions"),
    re_path(r"^submissions\.(?P<ending>csv|json)$", desk_views.submissions_export, name="submissions_export"),
    path("submissions/<int:pk>/cancel/", desk_acts.cancel, name="cancel"),
    path("submissions/<int:pk>/rerun/", desk_acts.rerun, name="rerun"),
    path("submissions/<int:pk>/count/", desk_acts.count, name="count"),
    path("submissions/<int:pk>/disqualify/", desk_acts.disqualify, name="disqualify"),
    path("compute/", desk_compute.compute, name="compute"),
    path("queue/", desk_queue.queue_page, name="queue"),
    path("workers/<int:pk>/", desk_queue.worker_duty, name="worker_duty"),
    path("ranking/", desk_ranking.ranking, name="ranking"),
    re_path(r"^ranking\.(?P<ending>csv|json)$", desk_views.ranking_export, name="ranking_export"),
    path("quests/", desk_quests.quests, name="quests"),
    path("quests/new/", desk_quests.quest_new, name="quest_new"),
    path("quests/<int:pk>/", desk_quests.quest_edit, name="quest"),
    path("quests/<int:pk>/extensions/", desk_extensions.extensions, name="extensions"),
    path("quests/<int:pk>/preview/", desk_preview.preview, name="quest_preview"),
    path("quests/<int:pk>/announce/", desk_quests.quest_announce, name="quest_announce"),
    path("quests/<int:pk>/move/", desk_quests.quest_move, name="quest_move"),
    path("quests/<int:pk>/freeze/", desk_freeze.freeze, name="freeze"),
    path("courses/", desk_courses.courses, name="courses"),
    path("courses/<int:pk>/archive/", desk_courses.course_archive, name="course_archive"),
    path("courses/<int:pk>/term/", desk_courses.term_new, name="term_new"),
    path("courses/<int:pk>/groups/new/", desk_groups.group_new, name="group_new"),
    path("groups/", desk_groups.newest, name="newest_groups"),
    path("courses/<int:pk>/groups/", desk_groups.groups, name="groups"),
    path("courses/<int:pk>/slips/", desk_groups.slips, name="slips"),
    path("members/<int:pk>/reset/", desk_logins.reset, name="reset"),
    path("logins/unlock/", desk_logins.unlock_login, name="unlock"),
    path("history/", desk_history.history, name="history"),
]
