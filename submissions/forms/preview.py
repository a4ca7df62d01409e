"""The submit page's preview of a model before it is submitted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pydantic

from submissions.forms.request_examples import model_formats
from submissions.forms.submission_form import SubmissionForm, acknowledgement_key, choice_key
from submissions.intake.estimate import estimate_run
from submissions.intake.preview import preview
from submissions.models import Quest
from submissions.notation.pipelines import write_steps
from submissions.notation.writer import headline
from submissions.specs.layers import Input, Layer
from submissions.specs.spec import DATASETS, Spec, changed


@dataclass(frozen=True, slots=True)
class PixelScale:
    """How a model receives pixels: from 0 to `brightest`, or divided by it for a network that does not rescale."""

    brightest: int
    network: bool = False
    rescales: bool = False
    padded: bool = False
    steps: bool = False


def pixel_scale(spec: Spec, quest: Quest) -> PixelScale:
    images = DATASETS[quest.dataset]
    layers: tuple[Layer, ...] = getattr(spec, "layers", ())
    return PixelScale(
        brightest=images.brightest,
        network=bool(layers),
        rescales=any(layer.kind == "Rescaling" for layer in layers[1:2]),
        padded=any(isinstance(layer, Input) and layer.shape[0] == 32 for layer in layers),
        steps=bool(getattr(spec, "preprocess", ())),
    )


def preview_context(form: SubmissionForm, service: str) -> dict[str, Any]:
    """The preview's template context: the parsed model, or the models to choose from."""
    choices = [(choice_key(one), one.line, headline(one.spec)) for one in form.parsed_models]
    if form.parsed is None:
        return {"parsed": None, "choices": choices, "brightest": DATASETS[form.entry.quest.dataset].brightest}
    return {
        "parsed": form.parsed,
        "choices": choices if len(choices) > 1 else [],
        "chosen": choice_key(form.parsed),
        "acknowledgement": acknowledgement_key(form.parsed),
        "acknowledged": form.data.get("acknowledged") == acknowledgement_key(form.parsed),
        **_model(form.parsed.spec, form, service),
    }


def _model(spec: Spec, form: SubmissionForm, service: str) -> dict[str, Any]:
    """The model's facts, its expected running time, and the formats in which it can be submitted."""
    quest = form.entry.quest
    facts = preview(spec, quest, form.entry.group)
    device, engine = form.data.get("device", ""), form.data.get("engine", "")
    chosen = {
        "device": device if device in facts.devices else "",
        "engine": engine if engine in quest.engines else "",
    }
    return {
        "family": facts.family,
        "layers": facts.layers,
        "parameters": facts.parameters,
        "earlier": facts.earlier,
        "arguments": _arguments(spec),
        "expected": estimate_run(spec, quest, **chosen),
        "scale": pixel_scale(spec, quest),
        "formats": model_formats(spec, quest, service=service, **chosen),
    }


def _arguments(spec: Spec) -> dict[str, str]:
    """Every parameter with its value, including defaults. A network's layers have their own table."""
    names = (name for name in type(spec).model_fields if name not in ("family", "layers"))
    return {name: _format_value(getattr(spec, name)) for name in names}


def _format_value(value: Any) -> str:
    """The value in Python syntax. Optimizers and similar parts show only non-default values and the learning rate."""
    if isinstance(value, tuple):
        return write_steps(value) or "()"
    if not isinstance(value, pydantic.BaseModel):
        return repr(value)
    values = {"learning_rate": getattr(value, "learning_rate", None), **changed(value)}
    given = ", ".join(f"{name}={inner!r}" for name, inner in values.items() if name != "name" and inner is not None)
    kind = getattr(value, "name", type(value).__name__)
    return f"{kind}({given})" if given else kind
