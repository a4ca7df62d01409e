"""Every page of the site by name, with who looks at it: what the browser tests visit and what pictures are taken of."""

from __future__ import annotations

from typing import NamedTuple

MEMBER, INSTRUCTOR, NOBODY = "itmalgrp01", "instructor", ""


class Place(NamedTuple):
    """`path` may hold the names of submissions, such as {knn}, where their numbers go."""

    name: str
    path: str
    user: str = NOBODY
    status: int = 200


PUBLIC = [
    Place("board", "/"),
    Place("board-all", "/?show=all"),
    Place("board-revealed", "/?quest=2"),
    Place("feed", "/feed/"),
    Place("charts", "/charts/"),
    Place("status", "/status/"),
    Place("group-seen-by-others", "/groups/ITMALGrp01/"),
    Place("join", "/join/"),
    Place("client", "/client/"),
    Place("api", "/api/docs/"),
    Place("login", "/login/"),
    Place("404", "/nowhere/", status=404),
]
WALL = [Place("wall", "/?wall"), Place("wall-feed", "/?wall=feed"), Place("wall-chart", "/?wall=cost")]
MEMBERS = [
    Place("board-own", "/", MEMBER),
    Place("submit", "/submit/", MEMBER),
    Place("submit-knn", "/submit/?way=knn", MEMBER),
    Place("submit-forest", "/submit/?way=forest", MEMBER),
    Place("submit-cnn", "/submit/?way=cnn&width=32", MEMBER),
    Place("submissions", "/submissions/", MEMBER),
    Place("submission-knn", "/submissions/{knn}/", MEMBER),
    Place("submission-forest", "/submissions/{forest}/", MEMBER),
    Place("submission-cnn", "/submissions/{net}/", MEMBER),
    Place("submission-running", "/submissions/{running}/", MEMBER),
    Place("submission-queued", "/submissions/{queued}/", MEMBER),
    Place("submission-failed", "/submissions/{failed}/", MEMBER),
    Place("submission-timed-out", "/submissions/{timed_out}/", MEMBER),
    Place("compare-with", "/submissions/{knn}/compare/", MEMBER),
    Place("compare", "/submissions/{knn}/compare/{net}/", MEMBER),
    Place("group", "/groups/ITMALGrp01/", MEMBER),
    Place("password", "/password/", MEMBER),
]
INSTRUCTORS = [
    Place("desk", "/desk/", INSTRUCTOR),
    Place("desk-ranking", "/desk/ranking/", INSTRUCTOR),
    Place("desk-compute", "/desk/compute/", INSTRUCTOR),
    Place("desk-queue", "/desk/queue/", INSTRUCTOR),
    Place("desk-quests", "/desk/quests/", INSTRUCTOR),
    Place("desk-quest", "/desk/quests/1/", INSTRUCTOR),
    Place("desk-quest-new", "/desk/quests/new/", INSTRUCTOR),
    Place("desk-preview", "/desk/quests/1/preview/", INSTRUCTOR),
    Place("desk-downloads", "/desk/quests/1/downloads/", INSTRUCTOR),
    Place("desk-announce", "/desk/quests/1/announce/", INSTRUCTOR),
    Place("desk-extensions", "/desk/quests/1/extensions/", INSTRUCTOR),
    Place("desk-courses", "/desk/courses/", INSTRUCTOR),
    Place("desk-term", "/desk/courses/1/term/", INSTRUCTOR),
    Place("desk-groups", "/desk/courses/1/groups/", INSTRUCTOR),
    Place("desk-slips", "/desk/courses/1/slips/", INSTRUCTOR),
    Place("desk-history", "/desk/history/", INSTRUCTOR),
    Place("desk-disqualify", "/desk/submissions/{knn}/disqualify/", INSTRUCTOR),
    Place("desk-rerun", "/desk/submissions/{knn}/rerun/", INSTRUCTOR),
    Place("desk-cancel", "/desk/submissions/{queued}/cancel/", INSTRUCTOR),
    Place("submission-instructor", "/submissions/{net}/", INSTRUCTOR),
]
EVERY = [*PUBLIC, *WALL, *MEMBERS, *INSTRUCTORS]
