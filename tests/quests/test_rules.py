"""The rules of a quest, told to those who take part in it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from submissions.models import ModelsShown, Quest, QuestState


def rules(client, address: str) -> str:
    text = " ".join(client.get(address).text.split())
    _before, _summary, after = text.partition("<summary>Quest rules</summary>")
    return after.partition("</details>")[0]


@pytest.mark.parametrize("address", ["/", "/feed/", "/charts/", "/submit/", "/submit/?way=cnn"])
def test_the_rules_are_told_on_the_board_and_where_one_submits(owner_client, quest, address):
    Quest.objects.update(
        private_share=0.3, final_runs=2, daily_quota=7, min_interval_seconds=60, run_seconds=600, max_trees=50,
        models_shown=ModelsShown.AFTER_CLOSING, pseudonyms=True,
    )  # fmt: skip

    told = rules(owner_client, address)

    assert "30.0 % of the test images are private" in told
    assert "Each group may mark 2 submissions as final" in told
    assert "7 submissions per group per day. At least 1 min 00 s between submissions." in told
    assert "Each run is limited to 10 min 00 s and 8,192 MB of memory. At most 50 trees." in told
    assert (
        "Other groups’ models are visible: after closing. Groups see each other’s pseudonyms instead of names." in told
    )


def test_the_rules_say_when_no_images_are_private(client, quest):
    assert "All test images count from the start; none are private." in rules(client, "/")


def test_the_date_from_which_models_are_shown_is_in_the_quests_zone(client, quest):
    Quest.objects.update(
        models_shown=ModelsShown.FROM,
        models_shown_from=datetime(2026, 12, 1, 11, 0, tzinfo=UTC),
        time_zone="Europe/Copenhagen",
    )

    assert "become visible on 1 December 2026, 12:00 (Europe/Copenhagen)." in rules(client, "/")


def test_a_draft_is_previewed_with_its_rules(instructor_client, quest):
    Quest.objects.update(state=QuestState.DRAFT, private_share=0.3)

    assert "30.0 % of the test images are private" in rules(instructor_client, f"/desk/quests/{quest.pk}/preview/")
