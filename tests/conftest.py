"""What every test gets: the cast, the data homes, and a broker address where nobody listens unless it starts one."""

import os

os.environ.setdefault("REDIS_URL", "redis://127.0.0.1:1/0")

pytest_plugins = ["tests.cast", "tests.data_homes", "tests.trainers"]
