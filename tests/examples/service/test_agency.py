"""The double of the tax agency keeps the agency's own rules."""

import json
import shutil
import subprocess
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, SubElement

import pytest
from agency import certificate, wsaa, wsfe
from agency.clock import ARGENTINA
from agency.cms import BadCms, verified
from agency.faults import Faults, Plan
from agency.soap import Fault
from agency.state import State
from invoicing.clock import Clock
from invoicing.settings import ArcaSettings
from invoicing.wsaa import Wsaa

from tests.examples.service.platform import cuit

NOW = datetime(2032, 3, 10, 14, 7, tzinfo=UTC)
CUIT = cuit(1)
WRONG = f"{CUIT[:10]}{(int(CUIT[10]) + 1) % 10}"
"""Its check digit is wrong."""


class FixedClock(Clock):
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.at = NOW

    def now(self) -> datetime:
        """Return the time that the test chose."""
        return self.at


@pytest.fixture(scope="module")
def pair() -> tuple[str, str]:
    """A certificate and its key."""
    return certificate.created("20111111112", NOW)


def signed(pair: tuple[str, str], now: datetime = NOW) -> str:
    """Return a signed request of the service, in base64."""
    clock = FixedClock()
    clock.at = now
    settings = ArcaSettings("", "", pair[0], pair[1], 1, 1)
    return Wsaa(settings, None, clock).signed_request()  # type: ignore[arg-type]


def login(state: State, message: str, now: datetime = NOW) -> None:
    """Ask for a ticket."""
    request = Element("loginCms")
    SubElement(request, "in0").text = message
    wsaa.login(state, request, now)


@contextmanager
def opened(path: Path) -> Generator[State]:
    """Open a state until the end of the block."""
    state = State(path)
    try:
        yield state
    finally:
        state.close()


def test_openssl_accepts_the_services_signature(pair: tuple[str, str], tmp_path: Path) -> None:
    """A judge that we did not write verifies the signed request."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl is not installed")
    import base64

    (tmp_path / "message").write_bytes(base64.b64decode(signed(pair)))
    done = subprocess.run(
        [openssl, *["cms", "-verify", "-noverify", "-inform", "DER", "-in", "message"]],
        cwd=tmp_path,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert b"<service>wsfe</service>" in done.stdout


def test_a_changed_message_is_refused(pair: tuple[str, str]) -> None:
    """Content, signature and encoding are verified."""
    import base64

    data = base64.b64decode(signed(pair))
    changed = data.replace(b"<service>wsfe", b"<service>wsfx")
    with pytest.raises(BadCms) as refused:
        verified(base64.b64encode(changed).decode())
    assert refused.value.code == "cms.sign.invalid"
    broken = data[:-1] + bytes([data[-1] ^ 1])
    with pytest.raises(BadCms) as refused:
        verified(base64.b64encode(broken).decode())
    assert refused.value.code == "cms.sign.invalid"
    for text, code in (("!", "cms.bad.base64"), ("AAAA", "cms.bad")):
        with pytest.raises(BadCms) as refused:
            verified(text)
        assert refused.value.code == code


def test_one_ticket_is_valid_for_twelve_hours(pair: tuple[str, str], tmp_path: Path) -> None:
    """A second one is refused until then, also by an agency that was started again."""
    path = tmp_path / "agency.jsonl"
    with opened(path) as state:
        login(state, signed(pair))
    with opened(path) as state:
        later = NOW + timedelta(hours=11, minutes=59)
        with pytest.raises(Fault) as refused:
            login(state, signed(pair, later), later)
        assert refused.value.code == "ns1:coe.alreadyAuthenticated"
        end = NOW + timedelta(hours=12)
        login(state, signed(pair, end), end)
        (first, second) = state.tickets
        assert (first.is_valid(end), second.is_valid(end)) == (False, True)


@pytest.mark.parametrize(
    ("age", "code"),
    [
        (timedelta(minutes=-30), "ns1:xml.generationTime.invalid"),
        (timedelta(minutes=30), "ns1:xml.expirationTime.expired"),
    ],
)
def test_a_request_of_another_time_is_refused(
    pair: tuple[str, str], tmp_path: Path, age: timedelta, code: str
) -> None:
    """Neither from the future nor expired."""
    with opened(tmp_path / "state") as state, pytest.raises(Fault) as refused:
        login(state, signed(pair, NOW - age))
    assert refused.value.code == code


@dataclass
class Customer:
    """Calls WSFEv1 with a valid ticket."""

    state: State

    def ask(self, number: int, *, now: datetime = NOW, **changes: str) -> dict[str, Any]:
        """Ask for a CAE; return the head and the detail of the answer, or its error."""
        fields = {
            "Concepto": "1",
            "DocTipo": "99",
            "DocNro": "0",
            "CbteDesde": str(number),
            "CbteHasta": str(number),
            "CbteFch": day(now),
            "ImpTotal": "121.00",
            "ImpTotConc": "0",
            "ImpNeto": "100.00",
            "ImpOpEx": "0",
            "ImpTrib": "0",
            "ImpIVA": "21.00",
            "MonId": "PES",
            "MonCotiz": "1",
        }
        request = self.request("FECAESolicitar", now)
        asked = SubElement(request, "FeCAEReq")
        head = SubElement(asked, "FeCabReq")
        for name, value in (("CantReg", "1"), ("PtoVta", "1"), ("CbteTipo", "6")):
            SubElement(head, name).text = value
        detail = SubElement(SubElement(asked, "FeDetReq"), "FECAEDetRequest")
        for name, value in (fields | changes).items():
            SubElement(detail, name).text = value
        found: Any = wsfe.authorize(self.state, request, now)
        return found["FeDetResp"]["FECAEDetResponse"] if "FeDetResp" in found else found

    def request(self, method: str, now: datetime) -> Element:
        """Return a request with the credentials."""
        request = Element(method)
        auth = SubElement(request, "Auth")
        valid = [one for one in self.state.tickets if one.is_valid(now)]
        SubElement(auth, "Token").text = valid[0].token if valid else "none"
        SubElement(auth, "Sign").text = valid[0].sign if valid else "none"
        SubElement(auth, "Cuit").text = CUIT
        return request


def day(now: datetime) -> str:
    """Return a date as the agency writes it."""
    return f"{now.astimezone(ARGENTINA):%Y%m%d}"


def refusal(answer: dict[str, Any]) -> int:
    """Return the code of a refusal."""
    return answer["Observaciones"]["Obs"]["Code"] if "Resultado" in answer else code(answer)


def code(answer: dict[str, Any]) -> int:
    """Return the code of an error."""
    return answer["Errors"]["Err"]["Code"]


@pytest.fixture
def customer(pair: tuple[str, str], tmp_path: Path) -> Iterator[Customer]:
    """A customer with a ticket."""
    with opened(tmp_path / "agency.jsonl") as state:
        login(state, signed(pair))
        yield Customer(state)


def test_numbers_follow_each_other(customer: Customer) -> None:
    """A number that is not the next one is refused with 10016, a repeated one too."""
    assert customer.ask(2)["Observaciones"]["Obs"]["Code"] == 10016
    first = customer.ask(1)
    assert (first["Resultado"], len(first["CAE"])) == ("A", 14)
    assert refusal(customer.ask(1)) == 10016
    assert customer.ask(2)["CAE"] != first["CAE"]
    assert [one["number"] for one in customer.state.listed()] == [1, 2]


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        ({"ImpTotal": "120.00"}, 10048),
        ({"DocTipo": "80", "DocNro": WRONG}, 10015),
        ({"CbteFch": day(NOW - timedelta(days=6))}, 10016),
    ],
)
def test_a_wrong_invoice_is_refused(
    customer: Customer, changes: dict[str, Any], wanted: int
) -> None:
    """Its number stays free."""
    assert refusal(customer.ask(1, **changes)) == wanted
    assert customer.ask(1)["Resultado"] == "A"


def test_dates_do_not_go_backward(customer: Customer) -> None:
    """An invoice that is older than the last one is refused."""
    assert customer.ask(1)["Resultado"] == "A"
    assert refusal(customer.ask(2, CbteFch=day(NOW - timedelta(days=1)))) == 10016


def test_an_expired_ticket_is_refused(customer: Customer) -> None:
    """Error 600, as for a token that never was."""
    assert code(customer.ask(1, now=NOW + timedelta(hours=12))) == 600


def test_authorized_invoices_survive_the_agency(customer: Customer, tmp_path: Path) -> None:
    """The file has them; a consultation finds the same CAE, and 602 finds none."""
    cae = customer.ask(1)["CAE"]
    with opened(tmp_path / "agency.jsonl") as again:
        other = Customer(again)
        for number, wanted in ((1, cae), (2, 602)):
            request = other.request("FECompConsultar", NOW)
            asked = SubElement(request, "FeCompConsReq")
            for name, value in (("CbteTipo", "6"), ("CbteNro", str(number)), ("PtoVta", "1")):
                SubElement(asked, name).text = value
            found: Any = wsfe.consult(again, request, NOW)
            assert (found["ResultGet"]["CodAutorizacion"] if number == 1 else code(found)) == wanted
        assert Decimal(again.listed()[0]["fields"]["ImpTotal"]) == 121
    lines = (tmp_path / "agency.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["kind"] for line in lines] == ["ticket", "invoice"]


def test_a_seed_repeats_its_faults() -> None:
    """A plan with a probability hits the same calls again."""

    def hits(seed: int) -> list[bool]:
        faults = Faults(seed)
        faults.add(Plan("FECAESolicitar", "lost", -1, 1, 0.5))
        return [faults.next("FECAESolicitar") is not None for _ in range(50)]

    assert hits(1) == hits(1) != hits(2)
    assert 10 < sum(hits(1)) < 40
