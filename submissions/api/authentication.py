"""Knox tokens that act for a group, and remember when they were last used."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import Any

from django.db import OperationalError
from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from knox.auth import TokenAuthentication
from rest_framework.exceptions import AuthenticationFailed

from submissions.database.write_lock import writing
from submissions.models import ApiToken, Membership, User

USE_NOTED_EVERY = timedelta(minutes=1)


class GroupTokenAuthentication(TokenAuthentication):
    """`Authorization: Token …`; `request.auth` is the token, whose group the request acts for."""

    def authenticate_credentials(self, token: bytes) -> tuple[User, ApiToken]:
        # Tokens are plain ASCII; other bytes would end in a decoding error or, on PostgreSQL, a refused NUL.
        if not (token.isascii() and token.decode("ascii").isprintable()):
            raise AuthenticationFailed(_("This is not a token of this service."))
        return super().authenticate_credentials(token)

    def validate_user(self, auth_token: ApiToken) -> tuple[User, ApiToken]:
        user, token = super().validate_user(auth_token)
        if token.group and not Membership.objects.filter(user=user, group=token.group).exists():
            words = _("This token acts for %(group)s, of which %(user)s is no longer a member.")
            raise AuthenticationFailed(words % {"group": token.group, "user": user})
        _note_use(token)
        return user, token


def _note_use(token: ApiToken) -> None:
    """Once a minute is exact enough, and spares a notebook that polls a write each time; no request fails of it."""
    now = timezone.now()
    if token.last_used_at is None or now - token.last_used_at > USE_NOTED_EVERY:
        with suppress(OperationalError), writing():
            ApiToken.objects.filter(pk=token.pk).update(last_used_at=now)


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
