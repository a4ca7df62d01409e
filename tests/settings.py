"""The service's settings, on a home of the tests' own and with a broker address where nobody listens."""

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

from config.settings import *  # noqa: E402, F403

# Passwords are hashed slowly on purpose; a cast of five need not be.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
