"""Groups' pseudonyms, for quests that hide their names: an adjective and an animal, drawn once."""

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
    """The group's pseudonym, unique in its course; drawn when it is first needed."""
    if not group.pseudonym:
        draw_missing(group.course_id)
        group.refresh_from_db(fields=["pseudonym"])
    return group.pseudonym


def draw_missing(course: int) -> None:
    """Draw a pseudonym for each group of the course that has none. Existing ones never change."""
    if not Group.objects.filter(course=course, pseudonym="").exists():
        return
    with writing():
        # Draws in the same course wait here for each other: no two groups may draw the same pseudonym.
        groups = list(Group.objects.select_for_update().filter(course=course))
        without = [group for group in groups if not group.pseudonym]
        taken = {name for group in groups for name in (group.name, group.pseudonym)}
        for group, drawn in zip(without, _draw(taken, len(without)), strict=True):
            group.pseudonym = drawn
        Group.objects.bulk_update(without, ["pseudonym"])


def _draw(taken: set[str], wanted: int) -> list[str]:
    """Draw `wanted` names that are not `taken`; once the pairs are used up, numbers are added to them."""
    pairs = [f"{adjective} {animal}" for adjective, animal in product(ADJECTIVES.split(), ANIMALS.split())]
    free: list[str] = []
    for turn in count(1):
        names = pairs if turn == 1 else [f"{pair} {turn}" for pair in pairs]
        free += [name for name in names if name not in taken]
        if len(free) >= wanted:
            break
    return secrets.SystemRandom().sample(free, wanted)
