"""Every page of the site by name, with who looks at it: what the browser tests visit and what pictures are taken of."""

from __future__ import annotations

from typing import NamedTuple

MEMBER, INSTRUCTOR, NOBODY = "itmalgrp01", "instructor", ""


class Place(NamedTuple):
    """`path` may hold names, such as {knn} for a submission, where their numbers go; `shows` selects what a visitor
    comes for, which needs no scripts to be there.
    """

    name: str
    path: str
    shows: str
    user: str = NOBODY
    status: int = 200


PUBLIC = [
    Place("board", "/", "table.board tbody tr"),
    Place("board-all", "/?show=all", "table.board tbody tr"),
    Place("board-revealed", "/?quest={revealed}", "table.board tbody tr"),
    Place("feed", "/feed/", "ol.feed li"),
    Place("charts", "/charts/", '#plot-cost img[src^="/charts/cost.svg"]'),
    Place("status", "/status/", "#status table"),
    Place("group-seen-by-others", "/groups/ITMALGrp01/", "#group-submissions tbody tr"),
    Place("join", "/join/", "input[name=code]"),
    Place("client", "/client/", "pre.notation"),
    Place("api", "/api/docs/", "noscript a"),
    Place("login", "/login/", "input[name=password]"),
    Place("404", "/nowhere/", ".notice a.button", status=404),
    Place("join-code", "/join/{code}/", "form button"),
    Place("welcome", "{welcome}", "input[name=new_password1]"),
]
WALL = [
    Place("wall", "/?wall", "section:not([hidden]) table.wall-board tbody tr"),
    Place("wall-feed", "/?wall=feed", "section:not([hidden]) ol.wall-feed li"),
    Place("wall-chart", "/?wall=cost", "section[data-pane=cost]:not([hidden]) img"),
]
MEMBERS = [
    Place("board-own", "/", "table.board tr.own", MEMBER),
    Place("submit", "/submit/", "textarea[name=model]", MEMBER),
    Place("submit-knn", "/submit/?way=knn", "input[name=model_n_neighbors]", MEMBER),
    Place("submit-forest", "/submit/?way=forest", "input[name=model_n_estimators]", MEMBER),
    Place("submit-cnn", "/submit/?way=cnn&width=32", "#builder .layer", MEMBER),
    Place("submissions", "/submissions/", "#submissions tbody tr", MEMBER),
    Place("submission-knn", "/submissions/{knn}/", "table.confusion", MEMBER),
    Place("submission-forest", "/submissions/{forest}/", "table.confusion", MEMBER),
    Place("submission-cnn", "/submissions/{net}/", ".curve svg", MEMBER),
    Place("submission-running", "/submissions/{running}/", "p.times", MEMBER),
    Place("submission-queued", "/submissions/{queued}/", "#live .status", MEMBER),
    Place("submission-failed", "/submissions/{failed}/", ".failure .reason", MEMBER),
    Place("submission-timed-out", "/submissions/{timed_out}/", ".failure .reason", MEMBER),
    Place("compare-with", "/submissions/{knn}/compare/", "select[name=with]", MEMBER),
    Place("compare", "/submissions/{knn}/compare/{net}/", ".compared .card .result-score", MEMBER),
    Place("group", "/groups/ITMALGrp01/", "#group-submissions tbody tr", MEMBER),
    Place("password", "/password/", "input[name=old_password]", MEMBER),
]
INSTRUCTORS = [
    Place("desk", "/desk/", "#desk-submissions tbody tr[id]", INSTRUCTOR),
    Place("desk-ranking", "/desk/ranking/", "table tbody tr", INSTRUCTOR),
    Place("desk-compute", "/desk/compute/", "table tbody tr", INSTRUCTOR),
    Place("desk-queue", "/desk/queue/", "#desk-queue table", INSTRUCTOR),
    Place("desk-quests", "/desk/quests/", "table.desk tbody tr", INSTRUCTOR),
    Place("desk-quest", "/desk/quests/1/", "input[name=name]", INSTRUCTOR),
    Place("desk-quest-new", "/desk/quests/new/", "input[name=name]", INSTRUCTOR),
    Place("desk-preview", "/desk/quests/1/preview/", ".previewed textarea", INSTRUCTOR),
    Place("desk-downloads", "/desk/quests/1/downloads/", 'a[href$=".csv"]', INSTRUCTOR),
    Place("desk-announce", "/desk/quests/1/announce/", "textarea#announcement", INSTRUCTOR),
    Place("desk-extensions", "/desk/quests/1/extensions/", "table.desk", INSTRUCTOR),
    Place("desk-courses", "/desk/courses/", "table.desk tbody tr", INSTRUCTOR),
    Place("desk-term", "/desk/courses/1/term/", "input[name=term]", INSTRUCTOR),
    Place("desk-groups", "/desk/courses/1/groups/", ".member", INSTRUCTOR),
    Place("desk-slips", "/desk/courses/1/slips/", ".slips", INSTRUCTOR),
    Place("desk-history", "/desk/history/", "ol.deeds li", INSTRUCTOR),
    Place("desk-disqualify", "/desk/submissions/{knn}/disqualify/", "input#reason", INSTRUCTOR),
    Place("desk-rerun", "/desk/submissions/{knn}/rerun/", "input#reason", INSTRUCTOR),
    Place("desk-cancel", "/desk/submissions/{queued}/cancel/", "input#reason", INSTRUCTOR),
    Place("submission-instructor", "/submissions/{net}/", "table.confusion", INSTRUCTOR),
    Place("desk-count", "/desk/submissions/{knn}/count/", "input#reason", INSTRUCTOR),
    Place("desk-drain", "/desk/workers/{worker}/", "form button", INSTRUCTOR),
]
EVERY = [*PUBLIC, *WALL, *MEMBERS, *INSTRUCTORS]
