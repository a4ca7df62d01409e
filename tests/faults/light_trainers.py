"""For trainers that need not import TensorFlow before anybody waits: networks are left out of what is offered."""

from dataclasses import replace

from submissions.families.registry import family_named, register

register(replace(family_named("cnn"), offered=False))
