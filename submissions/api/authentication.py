"""Knox tokens that act for a group, and remember when they were last used."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from knox.auth import TokenAuthentication

from submissions.models import ApiToken, User

USE_NOTED_EVERY = timedelta(minutes=1)


class GroupTokenAuthentication(TokenAuthentication):
    """`Authorization: Token …`; `request.auth` is the token, whose group the request acts for."""

    def validate_user(self, auth_token: ApiToken) -> tuple[User, ApiToken]:
        user, token = super().validate_user(auth_token)
        now = timezone.now()
        # Once a minute is exact enough, and spares a notebook that polls a write each time.
        if token.last_used_at is None or now - token.last_used_at > USE_NOTED_EVERY:
            ApiToken.objects.filter(pk=token.pk).update(last_used_at=now)
        return user, token


class TokenScheme(OpenApiAuthenticationExtension):
    target_class = GroupTokenAuthentication
    name = "token"
    priority = 1

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {
            "type": "apiKey",
            "in": "header",
            "name": "Authorization",
            "description": "`Token …`, as a member of a group creates it on the group's page.",
        }
