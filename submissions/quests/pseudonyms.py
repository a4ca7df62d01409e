"""What a group is called where a quest hides the groups' names: an adjective and an animal, drawn once."""

from __future__ import annotations

import secrets
from itertools import count, product

from submissions.database.write_lock import writing
from submissions.models import Group

ADJECTIVES = """
    Amber Autumn Azure Brave Bright Bronze Calm Clever Copper Coral Cosmic Crimson Daring Dawn Eager Early Ember Emerald
    Fearless Gentle Golden Happy Hidden Humble Indigo Ivory Jade Jolly Keen Kind Lively Lucky Lunar Merry Mighty Misty
    Nimble Noble Northern Olive Patient Pearl Polar Proud Quick Quiet Rapid Rosy Ruby Rustic Sandy Scarlet Silent Silver
    Snowy Solar Southern Spry Stellar Sunny Swift Teal Tidal Velvet Violet Wandering Western Winter Wise Witty
"""
ANIMALS = """
    Badger Bat Bear Beaver Bison Buzzard Camel Cobra Cormorant Crab Crane Curlew Deer Dolphin Eagle Eel Egret Falcon
    Ferret Finch Fox Gannet Gazelle Gecko Goose Hare Hawk Hedgehog Heron Hornet Ibex Ibis Jackal Jay Kestrel Kingfisher
    Koala Lark Lemur Leopard Lynx Magpie Marten Mole Moose Newt Octopus Orca Osprey Otter Owl Panther Pelican Penguin
    Petrel Plover Puffin Quail Raven Robin Salmon Seal Stork Swan Tern Tiger Toad Trout Turtle Weasel Whale Wolf
"""


def pseudonym_of(group: Group) -> str:
    """The group's pseudonym: readable, of no other group in its course, and drawn when one is first asked for."""
    if not group.pseudonym:
        draw_missing(group.course_id)
        group.refresh_from_db(fields=["pseudonym"])
    return group.pseudonym


def draw_missing(course: int) -> None:
    """Draw a pseudonym for each group of the course that has none; never another for one that has."""
    if not Group.objects.filter(course=course, pseudonym="").exists():
        return
    with writing():
        # Whoever draws in the same course waits here: no two groups may draw the same.
        groups = list(Group.objects.select_for_update().filter(course=course))
        nameless = [group for group in groups if not group.pseudonym]
        taken = {name for group in groups for name in (group.name, group.pseudonym)}
        for group, drawn in zip(nameless, _free(taken, len(nameless)), strict=True):
            group.pseudonym = drawn
        Group.objects.bulk_update(nameless, ["pseudonym"])


def _free(taken: set[str], wanted: int) -> list[str]:
    """So many names that are not `taken`, in no order; where the pairs run out, with numbers behind them."""
    pairs = [f"{adjective} {animal}" for adjective, animal in product(ADJECTIVES.split(), ANIMALS.split())]
    free: list[str] = []
    for turn in count(1):
        names = pairs if turn == 1 else [f"{pair} {turn}" for pair in pairs]
        free += [name for name in names if name not in taken]
        if len(free) >= wanted:
            break
    return secrets.SystemRandom().sample(free, wanted)
