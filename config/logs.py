"""A filter that keeps health checks out of the log."""

from __future__ import annotations

import logging

PROBES = ("/healthz", "/readyz")


class HideHealthChecks(logging.Filter):
    """Drops health checks, which come every few seconds and answer 503 while the service starts."""

    def filter(self, record: logging.LogRecord) -> bool:
        text = record.msg.get("request", "") if isinstance(record.msg, dict) else record.getMessage()
        return not str(text).endswith(PROBES)
