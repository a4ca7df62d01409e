"""Refuses clients that are too old before they do anything."""

from __future__ import annotations

from django.utils.translation import gettext as _
from rest_framework.exceptions import APIException
from rest_framework.request import Request

from submissions.client_wheel import install_words, is_too_old


class UpgradeRequired(APIException):
    status_code = 426


def refuse_old_client(request: Request) -> None:
    if is_too_old(request.headers.get("User-Agent", "")):
        words = _(
            "This version of mnist-quest is too old for this service. Update it: pip install --upgrade %(install)s"
        )
        raise UpgradeRequired(words % {"install": install_words(request._request)})
