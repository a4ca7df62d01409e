"""The database models. Django imports them from here, so this is the one `__init__` that is not empty."""

from submissions.models.desk import DeskEvent
from submissions.models.people import ApiToken, Course, Group, Invitation, Membership, User
from submissions.models.quests import (
    DATASETS,
    QUEST_MOVES,
    Extension,
    ModelsShown,
    Quest,
    QuestState,
)
from submissions.models.runs import Attempt, Duty, Exit, Hardware, Insight, Score, Worker
from submissions.models.submission import LIVE, Device, Event, State, Submission

__all__ = [
    "DATASETS",
    "LIVE",
    "QUEST_MOVES",
    "ApiToken",
    "Attempt",
    "Course",
    "DeskEvent",
    "Device",
    "Duty",
    "Event",
    "Exit",
    "Extension",
    "Group",
    "Hardware",
    "Insight",
    "Invitation",
    "Membership",
    "ModelsShown",
    "Quest",
    "QuestState",
    "Score",
    "State",
    "Submission",
    "User",
    "Worker",
]
