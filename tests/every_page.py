"""Every page of the site by name, with its visitor. The browser tests and the screenshots use this list."""

from __future__ import annotations

from typing import NamedTuple

MEMBER, INSTRUCTOR, ANONYMOUS = "itmalgrp01", "instructor", ""


class SitePage(NamedTuple):
    """A page as one kind of visitor sees it.

    `path` may have placeholders, such as {knn} for a submission's number. `content` selects the page's main
    content, which must be there without scripts.
    """

    name: str
    path: str
    content: str
    user: str = ANONYMOUS
    status: int = 200


PUBLIC = [
    SitePage("board", "/", "table.board tbody tr"),
    SitePage("board-all", "/?show=all", "table.board tbody tr"),
    SitePage("board-revealed", "/?quest={revealed}", "table.board tbody tr"),
    SitePage("feed", "/feed/", "ol.feed li"),
    SitePage("charts", "/charts/", '#plot-cost img[src^="/charts/cost.svg"]'),
    SitePage("status", "/status/", "#status table"),
    SitePage("group-seen-by-others", "/groups/ITMALGrp01/", "#group-submissions tbody tr"),
    SitePage("join", "/join/", "input[name=code]"),
    SitePage("client", "/client/", "pre.notation"),
    SitePage("api", "/api/docs/", "noscript a"),
    SitePage("login", "/login/", "input[name=password]"),
    SitePage("404", "/nowhere/", ".notice a.button", status=404),
    SitePage("join-code", "/join/{code}/", "form button"),
    SitePage("welcome", "{welcome}", "input[name=new_password1]"),
]
WALL = [
    SitePage("wall", "/?wall", "section:not([hidden]) table.wall-board tbody tr"),
    SitePage("wall-feed", "/?wall=feed", "section:not([hidden]) ol.wall-feed li"),
    SitePage("wall-chart", "/?wall=cost", "section[data-pane=cost]:not([hidden]) img"),
]
MEMBERS = [
    SitePage("board-own", "/", "table.board tr.own", MEMBER),
    SitePage("submit", "/submit/", "textarea[name=model]", MEMBER),
    SitePage("submit-knn", "/submit/?way=knn", "input[name=model_n_neighbors]", MEMBER),
    SitePage("submit-forest", "/submit/?way=forest", "input[name=model_n_estimators]", MEMBER),
    SitePage("submit-cnn", "/submit/?way=cnn&width=32", "#builder .layer", MEMBER),
    SitePage("submissions", "/submissions/", "#submissions tbody tr", MEMBER),
    SitePage("submission-knn", "/submissions/{knn}/", "table.confusion", MEMBER),
    SitePage("submission-forest", "/submissions/{forest}/", "table.confusion", MEMBER),
    SitePage("submission-cnn", "/submissions/{net}/", ".curve svg", MEMBER),
    SitePage("submission-running", "/submissions/{running}/", "p.times", MEMBER),
    SitePage("submission-queued", "/submissions/{queued}/", "#live .status", MEMBER),
    SitePage("submission-failed", "/submissions/{failed}/", ".failure .reason", MEMBER),
    SitePage("submission-timed-out", "/submissions/{timed_out}/", ".failure .reason", MEMBER),
    SitePage("compare-with", "/submissions/{knn}/compare/", "select[name=with]", MEMBER),
    SitePage("compare", "/submissions/{knn}/compare/{net}/", ".compared .card .result-score", MEMBER),
    SitePage("group", "/groups/ITMALGrp01/", "#group-submissions tbody tr", MEMBER),
    SitePage("password", "/password/", "input[name=old_password]", MEMBER),
]
INSTRUCTORS = [
    SitePage("desk", "/desk/", "#desk-submissions tbody tr[id]", INSTRUCTOR),
    SitePage("desk-ranking", "/desk/ranking/", "table tbody tr", INSTRUCTOR),
    SitePage("desk-compute", "/desk/compute/", "table tbody tr", INSTRUCTOR),
    SitePage("desk-queue", "/desk/queue/", "#desk-queue table", INSTRUCTOR),
    SitePage("desk-quests", "/desk/quests/", "table.desk tbody tr", INSTRUCTOR),
    SitePage("desk-quest", "/desk/quests/1/", "input[name=name]", INSTRUCTOR),
    SitePage("desk-quest-new", "/desk/quests/new/", "input[name=name]", INSTRUCTOR),
    SitePage("desk-preview", "/desk/quests/1/preview/", ".previewed textarea", INSTRUCTOR),
    SitePage("desk-downloads", "/desk/quests/1/downloads/", 'a[href$=".csv"]', INSTRUCTOR),
    SitePage("desk-announce", "/desk/quests/1/announce/", "textarea#announcement", INSTRUCTOR),
    SitePage("desk-extensions", "/desk/quests/1/extensions/", "table.desk", INSTRUCTOR),
    SitePage("desk-courses", "/desk/courses/", "table.desk tbody tr", INSTRUCTOR),
    SitePage("desk-term", "/desk/courses/1/term/", "input[name=term]", INSTRUCTOR),
    SitePage("desk-groups", "/desk/courses/1/groups/", ".member", INSTRUCTOR),
    SitePage("desk-slips", "/desk/courses/1/slips/", ".slips", INSTRUCTOR),
    SitePage("desk-history", "/desk/history/", "ol.deeds li", INSTRUCTOR),
    SitePage("desk-disqualify", "/desk/submissions/{knn}/disqualify/", "input#reason", INSTRUCTOR),
    SitePage("desk-rerun", "/desk/submissions/{knn}/rerun/", "input#reason", INSTRUCTOR),
    SitePage("desk-cancel", "/desk/submissions/{queued}/cancel/", "input#reason", INSTRUCTOR),
    SitePage("submission-instructor", "/submissions/{net}/", "table.confusion", INSTRUCTOR),
    SitePage("desk-count", "/desk/submissions/{knn}/count/", "input#reason", INSTRUCTOR),
    SitePage("desk-drain", "/desk/workers/{worker}/", "form button", INSTRUCTOR),
]
EVERY = [*PUBLIC, *WALL, *MEMBERS, *INSTRUCTORS]
