"""Knox tokens that act for a group and record when they were last used."""

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

USE_RECORDED_EVERY = timedelta(minutes=1)


class GroupTokenAuthentication(TokenAuthentication):
    """Reads `Authorization: Token …`. `request.auth` is the token, and the request acts for the token's group."""

    def authenticate_credentials(self, token: bytes) -> tuple[User, ApiToken]:
        # Tokens are plain ASCII. Other bytes would cause a decoding error, and PostgreSQL refuses NUL.
        if not (token.isascii() and token.decode("ascii").isprintable()):
            raise AuthenticationFailed(_("This is not a token for this service."))
        return super().authenticate_credentials(token)

    def validate_user(self, auth_token: ApiToken) -> tuple[User, ApiToken]:
        user, token = super().validate_user(auth_token)
        if token.group and not Membership.objects.filter(user=user, group=token.group).exists():
            words = _("This token acts for %(group)s, but %(user)s is no longer a member.")
            raise AuthenticationFailed(words % {"group": token.group, "user": user})
        _record_use(token)
        return user, token


def _record_use(token: ApiToken) -> None:
    """Record the use at most once a minute, since a polling notebook would write each time. Never fails a request."""
    now = timezone.now()
    if token.last_used_at is None or now - token.last_used_at > USE_RECORDED_EVERY:
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
            "description": "`Token …`. Members create tokens on their group's page.",
        }
