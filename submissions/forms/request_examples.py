"""A model in every format that can be submitted: notation, JSON, a curl command and Python code."""

from __future__ import annotations

import json
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from submissions.models import Quest
from submissions.notation.writer import render
from submissions.specs.spec import Spec, dump


@dataclass(frozen=True, slots=True)
class ModelFormat:
    """One format; `name` is unique within a page."""

    name: str
    label: str | Promise
    text: str


def model_formats(spec: Spec, quest: Quest, *, service: str, device: str = "", engine: str = "") -> list[ModelFormat]:
    """The formats of `spec`, as submitted to `quest` at the URL `service`."""
    model = render(spec)
    chosen = {name: value for name, value in (("device", device), ("engine", engine)) if value}
    return [
        ModelFormat("notation", _("Notation"), model),
        ModelFormat("json", "JSON", json.dumps(dump(spec), indent=2)),
        ModelFormat("curl", "curl", _curl(service, {"quest": quest.pk, "model": model, **chosen})),
        ModelFormat("python", "Python", _python(service, quest, model, chosen)),
    ]


def _curl(service: str, body: dict[str, object]) -> str:
    """Uses a quoted heredoc, so that the shell leaves any quotes in the model unchanged."""
    lines = [
        f"curl {service.rstrip('/')}/api/v1/submissions/ \\",
        '  -H "Authorization: Token $QUEST_TOKEN" \\',
        '  -H "Content-Type: application/json" \\',
        "  --data-binary @- <<'MODEL'",
        json.dumps(body, indent=2),
        "MODEL",
    ]
    return "\n".join(lines)


def _python(service: str, quest: Quest, model: str, chosen: dict[str, str]) -> str:
    given = "".join(f", {name}={value!r}" for name, value in chosen.items())
    lines = [
        "from mnist_quest import Quest",
        "",
        f"quest = Quest({service!r}, quest={quest.pk})",
        f"run = quest.submit({_quoted(model)}{given})",
        "run.wait()",
        "print(run.score, run.training_time)",
    ]
    return "\n".join(lines)


def _quoted(model: str) -> str:
    plain = not {'"', "\\"} & set(model)
    if "\n" not in model:
        return f'"{model}"' if plain else repr(model)
    return f'"""\n{model}\n"""' if plain else repr(model)
