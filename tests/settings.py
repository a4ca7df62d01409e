"""The service's settings, on a home of the tests' own and with a broker address where nobody listens.

The database is an SQLite file, as it is for the service, or what TEST_DATABASE_URL names.
"""

import atexit
import os
import shutil
import tempfile

_home = tempfile.mkdtemp(prefix="quest-tests-")
atexit.register(shutil.rmtree, _home, ignore_errors=True)
for name in ("DATABASE_URL", "SECRET_KEY", "ALLOWED_HOSTS", "QUEST_PRODUCTION", "QUEST_TIME_ZONE", "HTTPS"):
    os.environ.pop(name, None)
os.mkdir(os.path.join(_home, "static"))
os.environ["QUEST_HOME"] = _home
os.environ["REDIS_URL"] = "redis://127.0.0.1:1/0"
# Kernels are compiled once for all homes: half a minute of each trainer's time.
os.environ.setdefault("NUMBA_CACHE_DIR", os.path.join(os.path.dirname(__file__), os.pardir, "var", "compiled"))
ON_POSTGRES = "TEST_DATABASE_URL" in os.environ
if ON_POSTGRES:
    os.environ["DATABASE_URL"] = os.environ["TEST_DATABASE_URL"]

from config.settings import *  # noqa: E402, F403

if ON_POSTGRES:
    del os.environ["DATABASE_URL"]  # what tests start chooses its own
else:
    # Threads share a file, each by a connection and a lock of its own; they could not share a database in memory.
    DATABASES["default"]["TEST"] = {"NAME": os.path.join(_home, "test.sqlite3")}  # noqa: F405

# Passwords are hashed slowly on purpose; a cast of five need not be.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

# Each test client is a new handler, which would list every static file anew: 15 ms, a seventh of the quick tests' time.
WHITENOISE_AUTOREFRESH = True
