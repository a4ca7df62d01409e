"""What a group is called where a quest hides the groups' names: an adjective and an animal, drawn once."""

from __future__ import annotations

import secrets
from itertools import product

from submissions.locks import writing
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
    """The group's pseudonym: readable, of no other group in its course, and drawn when it is first asked for."""
    if not group.pseudonym:
        group.pseudonym = _draw(group)
    return group.pseudonym


def _draw(group: Group) -> str:
    with writing():
        # Whoever draws in the same course waits here: no two groups may draw the same.
        others = dict(Group.objects.select_for_update().filter(course=group.course_id).values_list("pk", "pseudonym"))
        if already := others[group.pk]:
            return already
        drawn = secrets.choice(_free(group.course_id))
        Group.objects.filter(pk=group.pk).update(pseudonym=drawn)
    return drawn


def _free(course: int) -> list[str]:
    taken = {name for names in Group.objects.filter(course=course).values_list("name", "pseudonym") for name in names}
    pairs = [f"{adjective} {animal}" for adjective, animal in product(ADJECTIVES.split(), ANIMALS.split())]
    # A course of more groups than there are pairs gets numbers behind them.
    return [name for name in pairs if name not in taken] or [
        name for name in (f"{pair} {len(taken)}" for pair in pairs) if name not in taken
    ]
