"""DNS records of a zone (API: DNS, Records).

What a name may carry: Cloudflare DNS documentation, "Troubleshooting: records with the same name".
The codes were seen in favonia/cloudflare-ddns, issue 990 (81054), jeessy2/ddns-go, issue 1378
(81058), cloudflare/terraform-provider-cloudflare, issue 1247 (81053). Clients handle 9005, 9021,
9041 and 81044, of which the words change.
"""

import ipaddress
from collections.abc import Mapping

from arca.emulator.cloudflare.calls import Answer, ApiRefusal, Call, Route, kept, page
from arca.emulator.cloudflare.state import Json, Zone

CREATE = "dns.record_create_params.RecordCreateParams"
REPLACE = "dns.record_update_params.RecordUpdateParams"
EDIT = "dns.record_edit_params.RecordEditParams"
PROXIABLE = ("A", "AAAA", "CNAME")
AUTOMATIC = 1
SHORTEST, LONGEST = 60, 86400
SHORTEST_OF_ENTERPRISE = 30
"""Seconds of a TTL: "Value must be between 60 and 86400, with the minimum reduced to 30 for
Enterprise zones" (API reference, Records, `ttl`)."""
ADDRESSES: Mapping[str, type[ipaddress.IPv4Address | ipaddress.IPv6Address]] = {
    "A": ipaddress.IPv4Address,
    "AAAA": ipaddress.IPv6Address,
}


def _create(call: Call) -> Answer:
    made = _record(call, call.read(CREATE), {"id": call.state.new_id(), "created_on": call.moment})
    call.zone.dns_records[made["id"]] = made
    return Answer(made)


def _list(call: Call) -> Answer:
    wanted = {key: call.query[key] for key in ("type", "name", "content") if key in call.query}
    wanted |= {
        key: call.query[f"{key}.exact"]
        for key in ("name", "content")
        if f"{key}.exact" in call.query
    }
    found = [
        one
        for one in call.zone.dns_records.values()
        if all(one[key] == value for key, value in wanted.items())
    ]
    return page(call, found, size=100)


def _get(call: Call) -> Answer:
    return Answer(_known(call))


def _replace(call: Call) -> Answer:
    before = _known(call)
    return _change(call, before, call.read(REPLACE))


def _edit(call: Call) -> Answer:
    before = _known(call)
    mine = ("name", "type", "content", "ttl", "proxied", "comment", "tags", "settings", "data")
    stays = {key: value for key, value in before.items() if key in mine}
    # The package types an edit as a union over all types of records, which needs the type.
    whole = {**stays, **call.content}
    return _change(call, before, call.with_body(whole).read(EDIT))


def _change(call: Call, before: Json, content: Json) -> Answer:
    fixed = {"id": before["id"], "created_on": before["created_on"]}
    changed = _record(call, content, fixed)
    call.zone.dns_records[before["id"]] = changed
    return Answer(changed)


def _delete(call: Call) -> Answer:
    record = _known(call)
    del call.zone.dns_records[record["id"]]
    return Answer({"id": record["id"]})


def _known(call: Call) -> Json:
    missing = ApiRefusal(81044, "Record does not exist.", status=404)
    return kept(call.zone.dns_records, call.ids["record"], missing)


def _record(call: Call, content: Json, fixed: Json) -> Json:
    """Return a whole record; raises ApiRefusal for what a zone does not take."""
    zone, proxied = call.zone, bool(content.get("proxied", False))
    record: Json = {
        **content,
        **fixed,
        "name": _full_name(zone, content["name"]),
        "proxied": proxied,
        "proxiable": content["type"] in PROXIABLE,
        "ttl": _ttl(zone, content.get("ttl", AUTOMATIC), proxied=proxied),
        "comment": content.get("comment"),
        "tags": content.get("tags", []),
        "settings": content.get("settings", {}),
        "meta": {},
        "modified_on": call.moment,
    }
    _judge_content(record)
    _judge_beside(zone, record)
    return record


def _full_name(zone: Zone, name: str) -> str:
    """Return a record's name with the zone's; `@` is the zone itself."""
    name, end = name.rstrip(".").lower(), zone.owned.name
    if name in ("@", end):
        return end
    return name if name.endswith(f".{end}") else f"{name}.{end}"


def _ttl(zone: Zone, seconds: float, *, proxied: bool) -> float:
    """Return a record's TTL; that of a proxied record is automatic."""
    least = SHORTEST_OF_ENTERPRISE if zone.owned.plan == "enterprise" else SHORTEST
    if seconds != AUTOMATIC and not least <= seconds <= LONGEST:
        says = f"Invalid TTL. Must be between {least} and {LONGEST} seconds, or 1 for Automatic"
        raise ApiRefusal(9021, says, pointer="ttl")
    return AUTOMATIC if proxied else seconds


def _judge_content(record: Json) -> None:
    kind, content = record["type"], str(record.get("content", ""))
    if record["proxied"] and not record["proxiable"]:
        raise ApiRefusal(9041, "This DNS record cannot be proxied.", pointer="proxied")
    if kind in ADDRESSES:
        try:
            ADDRESSES[kind](content)
        except ValueError:
            version = "IPv4" if kind == "A" else "IPv6"
            says = f"Content for {kind} record must be a valid {version} address."
            raise ApiRefusal(9005, says, pointer="content") from None


def _judge_beside(zone: Zone, record: Json) -> None:
    """Refuse a record that its name cannot carry beside the others."""
    same = [
        one
        for one in zone.dns_records.values()
        if one["name"] == record["name"] and one["id"] != record["id"]
    ]
    kinds = {one["type"] for one in same}
    alike = ("type", "content", "data", "priority")
    if any(all(one.get(key) == record.get(key) for key in alike) for one in same):
        raise ApiRefusal(81058, "An identical record already exists.")
    if record["type"] == "CNAME" and kinds & set(PROXIABLE):
        raise ApiRefusal(81053, "An A, AAAA, or CNAME record with that host already exists.")
    if record["type"] in ADDRESSES and "CNAME" in kinds:
        raise ApiRefusal(81054, "A CNAME record with that host already exists.")


ROUTES = (
    Route("POST", "/zones/{zone}/dns_records", _create),
    Route("GET", "/zones/{zone}/dns_records", _list),
    Route("GET", "/zones/{zone}/dns_records/{record}", _get),
    Route("PUT", "/zones/{zone}/dns_records/{record}", _replace),
    Route("PATCH", "/zones/{zone}/dns_records/{record}", _edit),
    Route("DELETE", "/zones/{zone}/dns_records/{record}", _delete),
)
