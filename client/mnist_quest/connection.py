"""Requests to the service: retried while that is safe; errors become exceptions with a sentence."""

from __future__ import annotations

import random
import ssl
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Callable, Union

import httpx

from mnist_quest.errors import CannotReach, ClientTooOld, NotSignedIn, QuestError, Refused, ServiceTrouble, TryLater
from mnist_quest.login import Token

Verify = Union[bool, str, Path, ssl.SSLContext]

PAUSES = (0.5, 1.0, 2.0, 4.0)
LONGEST_PAUSE = 10.0  # a longer Retry-After raises TryLater
API = "/api/v1/"


def address(url: str) -> str:
    """Normalise `url`: with a scheme, without the API's path. Raises CannotReach for an invalid one."""
    url = url.strip().rstrip("/")
    if "://" not in url:
        local = url.split(":")[0] in ("localhost", "127.0.0.1")
        url = f"{'http' if local else 'https'}://{url}"
    url = url[: -len("/api/v1")] if url.endswith("/api/v1") else url
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise CannotReach(f"{url} is not an address: {error}.") from error
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise CannotReach(f"{url} is not an address such as https://quest.example.edu.")
    return url


def _tls_context(verify: Verify) -> bool | ssl.SSLContext:
    """The value for httpx's `verify`; a path names a file or a folder of certificate authorities."""
    if isinstance(verify, (bool, ssl.SSLContext)):
        return verify
    path = Path(verify).expanduser()
    try:
        context = ssl.create_default_context()
        context.load_verify_locations(**{"capath" if path.is_dir() else "cafile": str(path)})
    except (OSError, ssl.SSLError) as error:
        raise CannotReach(f"{path} cannot be read as PEM certificates: {error}.") from error
    return context


class Connection:
    """The API of one service. `token(ask)` returns the token, and may ask the person for it if `ask` is true."""

    def __init__(
        self,
        url: str,
        token: Callable[[bool], Token | None],
        *,
        verify: Verify = True,
        timeout: float = 30.0,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        from mnist_quest import __version__

        self.url = address(url)
        self._token = token
        self._timeout = timeout
        self._client = httpx.Client(
            verify=_tls_context(verify),
            timeout=timeout,
            transport=transport,
            headers={"User-Agent": f"mnist-quest/{__version__}", "Accept": "application/json"},
        )

    def __repr__(self) -> str:
        return f"Connection({self.url!r})"

    def close(self) -> None:
        self._client.close()

    def get(self, path: str, *, public: bool = False, hold: float = 0, **params: Any) -> Any:
        """GET `path`. `hold`: for how many seconds the service may delay its answer."""
        set_params = {name: value for name, value in params.items() if value is not None}
        return self._ask("GET", path, {"params": set_params, "timeout": self._timeout + hold}, ask=not public).json()

    def post(self, path: str, body: Mapping[str, Any], *, key: str | None = None) -> Any:
        """POST `body`. With a `key`, the service acts once on a request that is sent twice."""
        sent: dict[str, Any] = {"json": dict(body)}
        if key is not None:
            sent["headers"] = {"Idempotency-Key": key}
        return self._ask("POST", path, sent, ask=True).json()

    def _ask(self, method: str, path: str, sent: dict[str, Any], *, ask: bool) -> httpx.Response:
        token = self._token(ask)
        headers = {**sent.pop("headers", {}), **({"Authorization": token.header()} if token else {})}
        request = self._client.build_request(method, self.url + API + path, headers=headers, **sent)
        for pause in PAUSES:
            outcome = self._try(request)
            if isinstance(outcome, httpx.Response):
                return outcome
            if not _may_pass(outcome):
                raise outcome
            time.sleep(max(getattr(outcome, "retry_after", None) or 0.0, pause * random.uniform(0.8, 1.2)))
        last = self._try(request)
        if isinstance(last, QuestError):
            raise last
        return last

    def _try(self, request: httpx.Request) -> httpx.Response | QuestError:
        try:
            response = self._client.send(request)
        except httpx.TransportError as error:
            return _unreachable(self.url, error)
        refused = self._refusal(response)
        return refused or response

    def _refusal(self, response: httpx.Response) -> QuestError | None:
        status = response.status_code
        if status >= 500:
            return ServiceTrouble(f"{self.url} has an internal error ({status}). Try again in a while.")
        if response.is_redirect:
            target = response.headers.get("Location", "another address")
            return CannotReach(f"{self.url} redirects to {target}: use that address.")
        if "json" not in response.headers.get("Content-Type", ""):
            return CannotReach(f"The server at {self.url} is not a Search Quest: is the address right?")
        return None if status < 400 else _refused(self.url, response)


def _refused(url: str, response: httpx.Response) -> QuestError:
    status, errors = response.status_code, _errors(response)
    message = " ".join(text for _field, text in errors)
    if status == 401:
        return NotSignedIn(f"{url} does not accept this token: {message}")
    if status == 426:
        return ClientTooOld(message)
    if status == 429:
        after = response.headers.get("Retry-After", "")
        return TryLater(errors, status, float(after) if after.isdigit() else None)
    return Refused(errors, status)


def _errors(response: httpx.Response) -> list[tuple[str, str]]:
    try:
        return [(str(entry["field"]), str(entry["message"])) for entry in response.json()["errors"]]
    except (ValueError, KeyError, TypeError):
        return [("", f"The service refused the request ({response.status_code}).")]


def _may_pass(error: QuestError) -> bool:
    """Whether a retry may help."""
    if isinstance(error, TryLater):
        return error.retry_after is not None and error.retry_after <= LONGEST_PAUSE
    return isinstance(error, ServiceTrouble) or (isinstance(error, CannotReach) and error.passing)


def _unreachable(url: str, error: httpx.TransportError) -> CannotReach:
    if "CERTIFICATE_VERIFY_FAILED" in str(error):
        return CannotReach(
            f"The certificate of {url} is not trusted here. If your university has its own certificate authority, give "
            "its file: Quest(url, verify='ca.pem')."
        )
    unreached = CannotReach(
        f"Cannot reach {url} ({str(error) or type(error).__name__}). Are you online and on the right network "
        "or VPN, and is the address right? quest.notation(model) works offline: it returns text to paste later."
    )
    unreached.passing = not isinstance(error, (httpx.UnsupportedProtocol, httpx.ProxyError))
    return unreached
