"""Serializers of submissions, attempts and hardware."""

from __future__ import annotations

from typing import Any, cast

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.reverse import reverse

from submissions.api.fields import SpecField
from submissions.models import Attempt, Exit, Hardware, State, Submission
from submissions.queue.claims import queue_order
from submissions.queue.prediction import Prediction, prediction


class HardwareOut(serializers.ModelSerializer[Hardware]):
    """A machine or GPU that runs were measured on."""

    label = serializers.CharField(source="__str__", read_only=True)  # type: ignore[assignment]

    class Meta:
        model = Hardware
        fields: tuple[str, ...] = ("id", "label", "cpu_model", "cores", "physical_cores", "instruction_sets")
        fields += ("ram_bytes", "os", "gpu_name", "gpu_memory_bytes", "gpu_driver", "cuda")
        extra_kwargs = {"instruction_sets": {"help_text": "For example avx2."}}

    instruction_sets = serializers.ListField(child=serializers.CharField(), read_only=True)


class Seconds(serializers.FloatField):
    def __init__(self, source: str, help_text: str) -> None:
        super().__init__(source=source, help_text=help_text, allow_null=True, read_only=True)


class Timing(serializers.Serializer[Attempt]):
    """Durations in seconds from a monotonic clock; null if not measured (yet)."""

    queue_wait = Seconds("queue_wait_s", "From submission to the start of the attempt.")
    startup = Seconds("startup_s", "Starting the trainer and importing libraries; about 0 if the trainer is warm.")
    data_load = Seconds("data_load_s", "Loading the data set.")
    preprocess = Seconds("preprocess_s", "Preprocessing such as scaling and PCA; null if there is none.")
    first_step = Seconds("first_step_s", "Tracing and compilation; included in `train`.")
    train = Seconds("train_s", "Training, without imports and data loading.")
    predict = Seconds("predict_s", "Scoring.")
    total = Seconds("total_s", "The whole attempt.")
    cpu = Seconds("cpu_s", "CPU seconds, including child processes.")
    stock_predicted = Seconds(
        "stock_predicted_s",
        "Estimated training and scoring time on the stock engine; null for runs on that engine.",
    )


class Energy(serializers.Serializer[Attempt]):
    joules = serializers.FloatField(source="energy_joules", allow_null=True)
    method = serializers.CharField(source="energy_method", help_text="nvml, rapl, estimate or none.")


class AttemptOut(serializers.ModelSerializer[Attempt]):
    """One attempt by a worker to run a submission."""

    exit = serializers.ChoiceField([("", "still going"), *Exit.choices], read_only=True)
    worker = serializers.CharField(source="worker.name", read_only=True)
    hardware = serializers.CharField(source="hardware_label", read_only=True)
    timing = Timing(source="*", read_only=True)
    energy = Energy(source="*", read_only=True)
    epochs = serializers.ListField(child=serializers.JSONField(), read_only=True, help_text="Seconds, loss, accuracy.")
    versions = serializers.DictField(read_only=True, help_text="Versions of Python and the libraries.")
    traceback = serializers.SerializerMethodField(help_text="For instructors only.")
    output = serializers.SerializerMethodField(help_text="The trainer's output; for instructors only.")

    class Meta:
        model = Attempt
        fields: tuple[str, ...] = ("number", "device", "engine", "engine_version", "started_at", "ended_at", "exit")
        fields += ("counted", "reason", "worker", "hardware", "timing", "energy", "epochs", "peak_memory_bytes")
        fields += ("threads_asked", "threads_used", "load_average", "other_runs", "contended", "exclusive", "seed")
        fields += ("versions", "data_checksum", "traceback", "output")

    def get_traceback(self, attempt: Attempt) -> str | None:
        return attempt.traceback if self.context["request"].user.is_staff else None

    def get_output(self, attempt: Attempt) -> str | None:
        return attempt.output if self.context["request"].user.is_staff else None


class SubmissionOut(serializers.ModelSerializer[Submission]):
    """A submission with the measurements of its latest attempt."""

    url = serializers.SerializerMethodField()
    page = serializers.SerializerMethodField(help_text="URL of the submission's web page.")
    state = serializers.ChoiceField(State.choices, read_only=True)
    quest_name = serializers.CharField(source="quest.name", read_only=True)
    dataset = serializers.CharField(source="quest.dataset", read_only=True)
    group = serializers.CharField(source="group.name", default=None, allow_null=True, read_only=True)
    submitter = serializers.CharField(source="submitter.username", default=None, allow_null=True, read_only=True)
    model = serializers.CharField(
        source="notation", read_only=True, help_text="The model in notation, as a person would type it."
    )
    spec = SpecField(read_only=True)
    score = serializers.FloatField(
        source="accuracy", allow_null=True, read_only=True, help_text="Public accuracy, 0 to 1."
    )
    private_score = serializers.SerializerMethodField(help_text="Accuracy on the private images, after the reveal.")
    final = serializers.BooleanField(read_only=True, help_text="Whether its group marked it as final.")
    disqualified = serializers.BooleanField(
        read_only=True, help_text="Whether an instructor disqualified it; it then has no rank."
    )
    position = serializers.SerializerMethodField(help_text="Place in the queue; 1 is next. Null unless queued.")
    timing = Timing(source="last_attempt", allow_null=True, read_only=True)
    hardware = HardwareOut(source="last_attempt.hardware", allow_null=True, read_only=True)

    class Meta:
        model = Submission
        fields: tuple[str, ...] = ("id", "url", "page", "state", "quest", "quest_name", "dataset", "group", "submitter")
        fields += ("out_of_competition", "family", "model", "spec", "parameters", "device", "engine", "seed", "note")
        fields += ("score", "correct", "total", "private_score", "final", "disqualified", "position", "cancel_asked")
        fields += ("reason", "timing", "hardware", "submitted_at", "finished_at", "rerun_of")
        read_only_fields: tuple[str, ...] = fields

    def get_url(self, submission: Submission) -> str:
        return reverse("api:submission", args=[submission.pk], request=self.context["request"])

    def get_page(self, submission: Submission) -> str:
        return reverse("submissions:detail", args=[submission.pk], request=self.context["request"])

    def get_private_score(self, submission: Submission) -> float | None:
        revealed = submission.quest.is_revealed and submission.state == State.SCORED
        return submission.score.private_accuracy if revealed else None

    def get_position(self, submission: Submission) -> int | None:
        if submission.state != State.QUEUED:
            return None
        # The whole page shares one context, so each queue is read once for all rows.
        orders = cast(dict[str, Any], self.context).setdefault("queue_orders", {})
        if submission.device not in orders:
            orders[submission.device] = {pk: place for place, pk in enumerate(queue_order(submission.device), start=1)}
        return orders[submission.device].get(submission.pk)


class SubmissionWhole(SubmissionOut):
    """A submission with all its attempts and, while it runs, its progress."""

    attempts = AttemptOut(many=True, read_only=True)
    progress = serializers.SerializerMethodField(help_text="The latest progress report while it runs.")
    predicted_wait_s = serializers.SerializerMethodField(
        help_text="While queued: estimated seconds until it starts; null if unknown."
    )
    predicted_run_s = serializers.SerializerMethodField(
        help_text="While queued or running: estimated run time in seconds, from similar runs; null if unknown."
    )

    class Meta(SubmissionOut.Meta):
        fields = (*SubmissionOut.Meta.fields, "attempts", "progress", "predicted_wait_s", "predicted_run_s")
        read_only_fields: tuple[str, ...] = fields

    @extend_schema_field(OpenApiTypes.OBJECT)
    def get_progress(self, submission: Submission) -> dict[str, Any]:
        attempt = submission.last_attempt
        return attempt.progress if attempt and submission.state == State.RUNNING else {}

    def get_predicted_wait_s(self, submission: Submission) -> float | None:
        return self._prediction(submission).wait_s

    def get_predicted_run_s(self, submission: Submission) -> float | None:
        return self._prediction(submission).run_s

    def _prediction(self, submission: Submission) -> Prediction:
        context = cast(dict[str, Any], self.context)
        if "prediction" not in context:  # only one whole submission is shown at a time
            context["prediction"] = prediction(submission)
        return context["prediction"]


class SubmissionPage(serializers.Serializer[Any]):
    next = serializers.URLField(allow_null=True, help_text="URL of the next page; null on the last page.")
    results = SubmissionOut(many=True)
