"""What every test gets: the cast, the data homes, real trainers, and the whole service where a test asks for it."""

from hypothesis import settings

# Property tests look at so many generated examples; `make quick` at a few.
settings.register_profile("thorough", max_examples=200, deadline=None)
settings.register_profile("quick", max_examples=25, deadline=None)
settings.load_profile("thorough")

pytest_plugins = [
    "tests.cast",
    "tests.data_homes",
    "tests.trainers",
    "tests.stack",
    "tests.postgres",
    "tests.client_ways",
]
