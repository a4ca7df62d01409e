"""What every test gets: the cast, the data homes, real trainers, and the whole service where a test asks for it."""

pytest_plugins = [
    "tests.cast",
    "tests.data_homes",
    "tests.trainers",
    "tests.stack",
    "tests.postgres",
    "tests.client_ways",
]
