"""The service's settings, with a temporary home and a broker address where nothing listens.

The database is an SQLite file, as for the service, or the one that TEST_DATABASE_URL names.
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
# Kernels are compiled once for all homes; compiling them takes each trainer half a minute.
os.environ.setdefault("NUMBA_CACHE_DIR", os.path.join(os.path.dirname(__file__), os.pardir, "var", "compiled"))
ON_POSTGRES = "TEST_DATABASE_URL" in os.environ
if ON_POSTGRES:
    os.environ["DATABASE_URL"] = os.environ["TEST_DATABASE_URL"]

from config.settings import *  # noqa: E402, F403

if ON_POSTGRES:
    del os.environ["DATABASE_URL"]  # processes that tests start choose their own
else:
    # Threads can share a file, each with its own connection and lock, but not a database in memory.
    DATABASES["default"]["TEST"] = {"NAME": os.path.join(_home, "test.sqlite3")}  # noqa: F405

# The service hashes passwords slowly on purpose; tests need not.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

# Each test client has a new handler, which would list all static files: 15 ms, a seventh of the quick tests' time.
WHITENOISE_AUTOREFRESH = True
