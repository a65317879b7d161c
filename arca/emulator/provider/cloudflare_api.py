"""Calls of Cloudflare's API, made by Cloudflare's own client.

The package `cloudflare` takes a second to import, so it is imported when the first call needs it,
or by `load` while something else takes its time.
The client validates each answer against Cloudflare's models, so that a wrong one is an error.
"""

import re
from collections.abc import Iterable, Mapping
from operator import attrgetter
from typing import Any, cast

from arca.emulator.cloudflare import PREFIX
from arca.emulator.provider.resources.definition import CloudflareCall, ResourceState

SINGULAR: Mapping[str, str] = {
    "emails": "email",
    "healthCheckIds": "healthCheckId",
    "pagerduties": "pagerduty",
    "statuses": "status",
}
"""Lists that Pulumi names in the plural and Cloudflare in the singular."""
SECONDS = 30
NO_HEADERS: Mapping[str, str] = {}


class Unanswered(Exception):
    """The API refused a call, did not answer, or answered what Cloudflare's models refuse."""

    def __init__(self, reason: str, *, code: str = "", answered: bool = True) -> None:
        super().__init__(reason)
        self.code = code
        """The HTTP status of a refusal; empty without one."""
        self.answered = answered
        """Whether it is known that the call changed nothing."""


class CloudflareClient:
    """Calls the emulated Cloudflare in the emulated cloud at an endpoint."""

    def __init__(self, endpoint: str) -> None:
        self._base = f"{endpoint}{PREFIX}"
        self._client: Any = None

    def make(
        self, call: CloudflareCall, state: ResourceState, headers: Mapping[str, str] = NO_HEADERS
    ) -> str:
        """Make a call and return the id in its answer, if there is one; raises Unanswered."""
        from cloudflare import APIConnectionError, CloudflareError  # noqa: PLC0415 - loaded on demand

        if self._client is None:
            self._client = _connect(self._base)
        try:
            method = attrgetter(call.method)(self._client)
            params = to_cloudflare(call.params(state))
            answer: Any = method(**params, extra_headers=headers)
        # TypeError: the client's own methods have no such parameter.
        except (CloudflareError, TypeError, ValueError) as error:
            code = str(getattr(error, "status_code", ""))
            answered = not isinstance(error, APIConnectionError)
            raise Unanswered(_reason(error), code=code, answered=answered) from None
        # The package lets a ruleset stay JSON, because a dry run answers something else.
        if isinstance(answer, dict):
            return str(cast("dict[str, Any]", answer)["id"])
        return str(getattr(answer, "id", ""))


def load(methods: Iterable[str]) -> None:
    """Import what some methods of the client need; the package imports a resource on demand."""
    client = _connect("http://127.0.0.1")
    for method in methods:
        attrgetter(method)(client)


def to_cloudflare(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return parameters with the API's names; Pulumi's wire format has no whole numbers."""
    return cast("dict[str, Any]", _converted(params))


def _converted(value: Any) -> Any:
    if isinstance(value, Mapping):
        items = cast("Mapping[str, Any]", value).items()
        return {_api_name(key): _converted(inner) for key, inner in items}
    if isinstance(value, list):
        return [_converted(one) for one in cast("list[Any]", value)]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _api_name(key: str) -> str:
    return re.sub("([A-Z])", r"_\1", SINGULAR.get(key, key)).lower()


def _connect(base: str) -> Any:
    """Return a client that reads nothing of the environment and so sends nothing of the owner's."""
    from cloudflare import Cloudflare, DefaultHttpxClient  # noqa: PLC0415 - loaded on demand

    client = Cloudflare(
        api_token="emulated",  # noqa: S106 - no secret
        base_url=base,
        max_retries=0,
        timeout=SECONDS,
        http_client=DefaultHttpxClient(trust_env=False),
        _strict_response_validation=True,
    )
    # Without these, CLOUDFLARE_API_KEY and its like would stand in the requests.
    client.api_key = client.api_email = client.user_service_key = None
    return client


def _reason(error: Exception) -> str:
    """Return what the API says: the codes and messages of its envelope, or the error's text."""
    body: Any = getattr(error, "body", None)
    if not isinstance(body, dict):
        return str(error)
    errors: list[dict[str, Any]] = cast("dict[str, Any]", body).get("errors") or []
    return "; ".join(f"{one.get('code')}: {one.get('message')}" for one in errors) or str(error)
