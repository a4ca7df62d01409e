"""OpenAPI links from one response to the next request, for programs that read the schema."""

from __future__ import annotations

from typing import Any

_SOURCES = {
    ("/api/v1/submissions/", "post", "201"): "$response.body#/id",
    ("/api/v1/submissions/", "post", "200"): "$response.body#/id",
    ("/api/v1/submissions/", "get", "200"): "$response.body#/results/0/id",
}
_TARGETS = {"follow": "submissions_retrieve", "cancel": "submissions_cancel"}


def add_links(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """A drf-spectacular hook that adds the links to the schema."""
    for (path, method, status), source in _SOURCES.items():
        response = result["paths"][path][method]["responses"][status]
        response["links"] = {
            name: {"operationId": operation, "parameters": {"id": source}} for name, operation in _TARGETS.items()
        }
    quest = {"operationId": "leaderboard_retrieve", "parameters": {"quest": "$response.body#/results/0/id"}}
    result["paths"]["/api/v1/quests/"]["get"]["responses"]["200"]["links"] = {"board": quest}
    return result
