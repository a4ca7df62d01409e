"""A way from an httpx client to the service in this process, by Django's own test client."""

from __future__ import annotations

import httpx
from django.test import Client


class InProcess(httpx.BaseTransport):
    def handle_request(self, request: httpx.Request) -> httpx.Response:
        kind = request.headers.get("content-type", "")
        answer = Client().generic(
            request.method, request.url.raw_path.decode(), request.read(), kind, headers=dict(request.headers)
        )
        return httpx.Response(answer.status_code, headers=dict(answer.headers), content=answer.content)
