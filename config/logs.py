"""What need not be in the log."""

from __future__ import annotations

import logging

PROBES = ("/healthz", "/readyz")


class NoProbes(logging.Filter):
    """Leaves out the health checks, which ask every few seconds and say 503 while the service starts."""

    def filter(self, record: logging.LogRecord) -> bool:
        said = record.msg.get("request", "") if isinstance(record.msg, dict) else record.getMessage()
        return not str(said).endswith(PROBES)
