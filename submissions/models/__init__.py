"""The kernel's tables. Django looks for models here, so this is the one `__init__` that is not empty."""

from submissions.models.people import ApiToken, Course, Group, Membership, User
from submissions.models.quests import DATASETS, QUEST_MOVES, Extension, Quest, QuestState
from submissions.models.runs import Attempt, Exit, Hardware, Score, Worker
from submissions.models.submission import LIVE, Device, Engine, Event, State, Submission

__all__ = [
    "DATASETS",
    "LIVE",
    "QUEST_MOVES",
    "ApiToken",
    "Attempt",
    "Course",
    "Device",
    "Engine",
    "Event",
    "Exit",
    "Extension",
    "Group",
    "Hardware",
    "Membership",
    "Quest",
    "QuestState",
    "Score",
    "State",
    "Submission",
    "User",
    "Worker",
]
