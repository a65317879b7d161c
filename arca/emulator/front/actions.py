"""Actions of a listener's rule: forward, answer, redirect.

Source: Elastic Load Balancing API Reference, Action, ForwardActionConfig,
FixedResponseActionConfig and RedirectActionConfig.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from arca.emulator.front.conditions import HttpRequest, UnsupportedRule, host_name, section


@dataclass(frozen=True)
class Forward:
    """Send the request to one of several target groups, by their weights."""

    weights: tuple[tuple[str, int], ...]
    """Each target group's ARN and its weight: a share, without a unit."""


@dataclass(frozen=True)
class FixedResponse:
    """Answer the request."""

    status: int
    body: str = ""
    content_type: str = "text/plain"


@dataclass(frozen=True)
class Redirect:
    """Send the client to another URL, whose parts may name those of the request."""

    status: int
    protocol: str = "#{protocol}"
    host: str = "#{host}"
    port: str = "#{port}"
    path: str = "/#{path}"
    query: str = "#{query}"

    def location(self, request: HttpRequest) -> str:
        """Return the URL for a request that came over HTTPS, as all listeners take it."""
        parts = {
            "#{protocol}": "https",
            "#{host}": host_name(request.host),
            "#{port}": str(request.port),
            "#{path}": request.path.removeprefix("/"),
            "#{query}": request.query,
        }

        def filled(text: str) -> str:
            for name, value in parts.items():
                text = text.replace(name, value)
            return text

        query = filled(self.query)
        place = f"{filled(self.protocol).lower()}://{filled(self.host)}:{filled(self.port)}"
        return f"{place}{filled(self.path)}" + (f"?{query}" if query else "")


Action = Forward | FixedResponse | Redirect


def read_actions(answers: Sequence[Mapping[str, Any]], *, rule: str) -> Action:
    """Read a rule's actions as the API returns them; raises UnsupportedRule.

    The last action answers. What stands before it authenticates, which the front cannot.
    """
    if len(answers) != 1:
        raise UnsupportedRule(f"it has {len(answers)} actions", rule=rule)
    (answer,) = answers
    match answer.get("Type"):
        case "forward":
            return _forward(answer, rule)
        case "fixed-response":
            config = section(answer, "FixedResponseConfig")
            return FixedResponse(
                int(config["StatusCode"]),
                str(config.get("MessageBody") or ""),
                str(config.get("ContentType") or "text/plain"),
            )
        case "redirect":
            config = section(answer, "RedirectConfig")
            given = {
                key.lower(): str(config[key])
                for key in ("Protocol", "Host", "Port", "Path", "Query")
                if config.get(key)
            }
            return Redirect(int(str(config["StatusCode"]).removeprefix("HTTP_")), **given)
        case other:
            raise UnsupportedRule(f"it has an action of the type {other!r}", rule=rule)


def _forward(answer: Mapping[str, Any], rule: str) -> Forward:
    config = section(answer, "ForwardConfig")
    if section(config, "TargetGroupStickinessConfig").get("Enabled"):
        raise UnsupportedRule("it keeps clients at a target group (stickiness)", rule=rule)
    listed: Sequence[Mapping[str, Any]] = config.get("TargetGroups") or ()
    if listed:
        # Without a weight, each group has the same one.
        return Forward(tuple((str(g["TargetGroupArn"]), int(g.get("Weight", 1))) for g in listed))
    return Forward(((str(answer["TargetGroupArn"]), 1),))
