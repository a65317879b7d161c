"""Calls of the API and their answers: the envelope, its errors, and pages of lists.

The envelope is that of every call (Cloudflare Fundamentals, "Make API calls"): `success`, `errors`
with a code and a message each, `messages`, `result`, and for lists `result_info`.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, NamedTuple, cast

from arca.emulator.cloudflare.state import Account, Json, State, Zone
from arca.emulator.judges.cloudflare_types import judge_parameters

SIMULATED = "(simulated)"
"""The end of each message whose words or code no page and no published answer of the API shows."""
INVALID_ZONE = 1001
NO_ROUTE = 7003
INVALID_BODY = 10400
"""Our code for a body that the types refuse; each product of Cloudflare has its own."""


class ApiRefusal(Exception):
    """The API refuses a call: the HTTP status, the error's code and its message."""

    def __init__(self, code: int, message: str, *, status: int = 400, pointer: str = "") -> None:
        super().__init__(message)
        self.code, self.message, self.status, self.pointer = code, message, status, pointer
        self.chain: list[Json] = []

    def envelope(self) -> Json:
        """Return the body of the answer."""
        error: Json = {"code": self.code, "message": self.message}
        if self.pointer:
            error["source"] = {"pointer": f"/{self.pointer.replace('.', '/')}"}
        if self.chain:
            error["error_chain"] = self.chain
        return {"success": False, "errors": [error], "messages": [], "result": None}


@dataclass(frozen=True)
class Answer:
    """What a call answers."""

    result: Any
    info: Json | None = None
    status: int = 200

    def envelope(self) -> Json:
        """Return the body of the answer."""
        body: Json = {"success": True, "errors": [], "messages": [], "result": self.result}
        return body if self.info is None else {**body, "result_info": self.info}


@dataclass(frozen=True)
class Call:
    """A call: what its path names, its query and its body."""

    state: State
    now: datetime
    path: str
    ids: Mapping[str, str]
    query: Mapping[str, str] = field(default_factory=dict[str, str])
    body: Any = None

    @property
    def zone(self) -> Zone:
        """The zone that the path names; raises ApiRefusal for an unknown one.

        The code was seen in cloudflare/terraform-provider-cloudflare, issue 192.
        """
        zone = self.state.zones.get(self.ids["zone"])
        if zone is None:
            raise ApiRefusal(INVALID_ZONE, "Invalid zone identifier")
        return zone

    @property
    def account(self) -> Account:
        """The account that the path names; raises ApiRefusal for an unknown one."""
        account = self.state.accounts.get(self.ids["account"])
        if account is None:
            raise no_route(self.path)
        return account

    @property
    def moment(self) -> str:
        """The time of the call as the API writes it."""
        return self.now.strftime("%Y-%m-%dT%H:%M:%S.%fZ")

    @property
    def content(self) -> Json:
        """The body; raises ApiRefusal for one that is no JSON object."""
        if not isinstance(self.body, dict):
            raise ApiRefusal(INVALID_BODY, f"the body is no JSON object {SIMULATED}")
        return cast("Json", self.body)

    def with_body(self, body: Json) -> "Call":
        """Return the same call with another body."""
        return replace(self, body=body)

    def read(self, params: str) -> Json:
        """Return the body; raises ApiRefusal where Cloudflare's own types refuse it."""
        in_path = {f"{name}_id": value for name, value in self.ids.items() if name in PARENTS}
        for fault in judge_parameters(params, {**in_path, **self.content}):
            says = f"{fault.path}: {fault.says} {SIMULATED}"
            raise ApiRefusal(INVALID_BODY, says, pointer=fault.path)
        return self.content


PARENTS = ("zone", "account")
"""Parts of a path that the package counts among the parameters."""


class Route(NamedTuple):
    """A method and a path, and what answers them."""

    method: str
    path: str
    """The path, in which `{name}` stands for an id."""
    answer: Callable[[Call], Answer]

    def match(self, path: str) -> Mapping[str, str] | None:
        """Return the ids in a path; None for another path."""
        pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", self.path)
        found = re.fullmatch(pattern, path)
        return None if found is None else found.groupdict()


def no_route(path: str) -> ApiRefusal:
    """Return the refusal of a path that leads nowhere, or that has an id of a wrong form.

    The words were seen in timothymiller/cloudflare-ddns, issue 152.
    """
    says = f"Could not route to /client/v4{path}, perhaps your object identifier is invalid?"
    return ApiRefusal(NO_ROUTE, says, status=404)


def page(call: Call, items: Iterable[Json], *, size: int) -> Answer:
    """Return a page of a list; `size` is the number of items without `per_page`."""
    every = list(items)
    number = _whole(call.query.get("page"), 1)
    length = _whole(call.query.get("per_page"), size)
    shown = every[(number - 1) * length : number * length]
    info = {
        "page": number,
        "per_page": length,
        "count": len(shown),
        "total_count": len(every),
        "total_pages": -(-len(every) // length),
    }
    return Answer(shown, info)


def _whole(text: str | None, otherwise: int) -> int:
    return int(text) if text and text.isdecimal() and int(text) > 0 else otherwise


def kept(items: Mapping[str, Json], identifier: str, refusal: ApiRefusal) -> Json:
    """Return a kept object; raises the refusal for an unknown id."""
    if identifier not in items:
        raise refusal
    return items[identifier]
