"""The rules for what a reader may see of a quest: models, group names, and how recent results."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.models import AnonymousUser
from django.db.models import Case, Expression, F, Q, When
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from submissions.models import Extension, Group, ModelsShown, Quest, QuestState, Submission, User
from submissions.quests.pseudonyms import draw_missing, pseudonym_of

INSTRUCTORS = _("instructors")


@dataclass(frozen=True, slots=True)
class Visibility:
    """A quest as one reader sees it. `own` are ids of the reader's groups; `full_access` is True for instructors.

    `as_of` is the time at which the board is frozen for this reader, None if it is live.
    """

    quest: Quest
    own: frozenset[int]
    full_access: bool
    models_open: bool
    as_of: datetime | None
    reader: int | None = None

    def is_own(self, group: Group | int | None) -> bool:
        return (group.pk if isinstance(group, Group) else group) in self.own

    def shows_model(self, submission: Submission) -> bool:
        """Whether the reader may see this submission's configuration, in any form."""
        mine = self.reader is not None and submission.submitter_id == self.reader
        return self.models_open or self.full_access or mine or self.is_own(submission.group_id)

    def parameters(self, submission: Submission) -> int | None:
        """The network's size, which reveals much about it: shown only to readers of its configuration."""
        return submission.parameters if self.shows_model(submission) else None

    def model_column(self, column: str) -> Expression | F:
        """A column of submissions, null where the reader may not see the model: `shows_model` in SQL."""
        if self.models_open or self.full_access:
            return F(column)
        legible = Q(group__in=self.own) if self.reader is None else Q(group__in=self.own) | Q(submitter=self.reader)
        return Case(When(legible, then=F(column)), default=None)

    def name(self, group: Group | None) -> str:
        """The group's name or pseudonym, as shown to the reader. None stands for the instructors."""
        if group is None:
            return str(INSTRUCTORS)
        return pseudonym_of(group) if self.hides_name(group) else group.name

    def hides_name(self, group: Group) -> bool:
        return self.quest.pseudonyms and not self.full_access and not self.is_own(group)

    def known(self) -> Q:
        """The filter for scored submissions shown to the reader: on a frozen board those finished by then."""
        return Q(finished_at__lte=self.as_of) if self.as_of else Q()

    @property
    def today(self) -> datetime:
        """Midnight in the quest's zone, at the start of today or of the day on which the board was frozen."""
        at = (self.as_of or timezone.now()).astimezone(self.quest.zone)
        return at.replace(hour=0, minute=0, second=0, microsecond=0)

    @property
    def models_shown_when(self) -> str:
        """Shown in place of a hidden model: when it will be visible."""
        if self.quest.models_shown == ModelsShown.FROM and self.quest.models_shown_from:
            at = self.quest.models_shown_from.astimezone(self.quest.zone)
            return gettext("shown from %(at)s %(zone)s") % {"at": f"{at:%d/%m %H:%M}", "zone": self.quest.time_zone}
        return gettext("shown after closing")

    @property
    def version(self) -> list[object]:
        """Differs between readers who see different pages of the quest, and whenever their page changes."""
        rules = [self.quest.models_shown, self.quest.models_shown_from, self.quest.pseudonyms]
        return [sorted(self.own), self.full_access, self.models_open, *rules, str(self.as_of)]


def visibility_for(quest: Quest, user: User | AnonymousUser | None) -> Visibility:
    """The visibility of `quest` for `user`; None and AnonymousUser stand for the public."""
    person = user if isinstance(user, User) else None
    full_access = person is not None and person.is_staff
    if quest.pseudonyms and not full_access:
        draw_missing(quest.course_id)  # in one go before rows are read: a board of 500 groups needs 500 names
    return Visibility(
        quest=quest,
        own=frozenset(person.memberships.values_list("group", flat=True)) if person else frozenset(),
        full_access=full_access,
        models_open=models_open(quest),
        as_of=None if full_access or quest.is_revealed else quest.frozen_at,
        reader=person.pk if person else None,
    )


def models_open(quest: Quest) -> bool:
    """Whether everybody may see every group's model now."""
    if quest.models_shown == ModelsShown.ALWAYS:
        return True
    if quest.models_shown == ModelsShown.FROM:
        return quest.models_shown_from is not None and quest.models_shown_from <= timezone.now()
    return _is_closed_for_all(quest)


def _is_closed_for_all(quest: Quest) -> bool:
    """Whether no group can submit any more. A group with a later deadline must not see others' models before it."""
    if quest.state != QuestState.OPEN:
        return quest.state != QuestState.DRAFT
    now = timezone.now()
    if quest.closes_at is None or quest.closes_at > now:
        return False
    return not Extension.objects.filter(quest=quest, closes_at__gt=now).exists()
