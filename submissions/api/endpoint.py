"""Base classes of every endpoint: permissions, throttling, and validation of bodies and query parameters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, NoReturn

from django.http import QueryDict
from django.utils.translation import gettext as _
from drf_spectacular.extensions import OpenApiSerializerExtension
from rest_framework import serializers
from rest_framework.exceptions import PermissionDenied
from rest_framework.permissions import SAFE_METHODS, BasePermission, IsAuthenticated, IsAuthenticatedOrReadOnly
from rest_framework.request import Request
from rest_framework.views import APIView

from submissions.api.bounded_json import BoundedJSON
from submissions.api.client_age import refuse_old_client
from submissions.api.throttling import GroupRate, TokenRate, too_many_requests
from submissions.models import ApiToken


class MayUseApi(IsAuthenticated):
    """Requires a signed-in user. A read-only token cannot change anything."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        changes = request.method not in SAFE_METHODS and not getattr(view, "only_computes", False)
        if changes and isinstance(request.auth, ApiToken) and request.auth.scope == "read":
            raise PermissionDenied(_("This token is read-only. Create one that may submit on your group's page."))
        return super().has_permission(request, view)


class Endpoint(APIView):
    """An endpoint for signed-in users. `only_computes` marks a POST that changes nothing."""

    parser_classes = [BoundedJSON]
    permission_classes: Sequence[type[BasePermission]] = [MayUseApi]
    throttle_classes = [TokenRate, GroupRate]
    only_computes: ClassVar[bool] = False

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        refuse_old_client(request)
        super().initial(request, *args, **kwargs)

    def throttled(self, request: Request, wait: float | None) -> NoReturn:
        raise too_many_requests(wait)


class PublicEndpoint(Endpoint):
    """An endpoint that anyone may read."""

    permission_classes = [IsAuthenticatedOrReadOnly]


class StrictSerializer(serializers.Serializer[Any]):
    """Rejects unknown fields, so that a misspelt option is never silently ignored. Errors list the allowed values."""

    def get_fields(self) -> dict[str, Any]:
        fields: dict[str, Any] = super().get_fields()
        for field in fields.values():
            if isinstance(field, serializers.ChoiceField):
                offered = ", ".join(str(choice) for choice in field.choices if choice != "")
                words = _('"{input}" is not allowed. Choose one of %(offered)s.')
                field.error_messages["invalid_choice"] = words % {"offered": offered}
        return fields

    def to_internal_value(self, data: Any) -> Any:
        unknown = [str(name) for name in data if name not in self.fields] if hasattr(data, "keys") else []
        if unknown:
            words = _("Unknown field. The fields are %(known)s.") % {"known": ", ".join(self.fields)}
            raise serializers.ValidationError({name[:60]: words for name in unknown})
        self._reject_blank_parameters(data)
        return super().to_internal_value(data)

    def _reject_blank_parameters(self, data: Any) -> None:
        # In a query string, DRF treats a parameter without a value as missing.
        blank = [name for name in data if data[name] == ""] if isinstance(data, QueryDict) else []
        invalid = [name for name in blank if not getattr(self.fields[name], "allow_blank", False)]
        if invalid:
            raise serializers.ValidationError(dict.fromkeys(invalid, _("Give it a value or leave it out.")))


class DescribeStrictSerializer(OpenApiSerializerExtension):
    """Declares in the schema that unknown fields are rejected."""

    target_class = StrictSerializer
    match_subclasses = True

    def map_serializer(self, auto_schema: Any, direction: Any) -> dict[str, Any]:
        schema: dict[str, Any] = auto_schema._map_serializer(self.target, direction, bypass_extensions=True)
        return {**schema, "additionalProperties": False}


def validated(serializer_class: type[StrictSerializer], data: Any, request: Request) -> dict[str, Any]:
    """The validated `data`, a body or query parameters. Raises ValidationError naming the invalid fields."""
    serializer = serializer_class(data=data, context={"request": request})
    serializer.is_valid(raise_exception=True)
    return serializer.validated_data
