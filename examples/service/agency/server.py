"""The agency's HTTP server: both services, and a control path for tests.

| path | what |
| --- | --- |
| `POST /ws/services/LoginCms` | WSAA |
| `POST /wsfev1/service.asmx` | WSFEv1 |
| `GET /control/authorized` | all authorized invoices |
| `POST /control/faults` | plan a fault: `kind`, `method`, `times`, `seconds`, `probability` |
| `DELETE /control/faults` | forget all planned faults |
| `DELETE /control/tickets` | let every login ticket end |
"""

import json
import time
from collections import deque
from collections.abc import Callable
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast
from xml.etree.ElementTree import Element

from agency import wsaa, wsfe
from agency.faults import Faults, Plan
from agency.soap import Answer, Fault, read
from agency.state import State

WSAA_PATH = "/ws/services/LoginCms"
WSFE_PATH = "/wsfev1/service.asmx"
INTERNAL = (501, "Error interno de base de datos.")
REJECTED = (10063, "Factura individual, DocTipo: 80, DocNro no se encuentra inscripto.")
CARRIED_OUT = ("slow", "lost", "internal_after", "twice")
"""The faults in which the agency does what was asked."""
Clock = Callable[[], datetime]


class Agency(ThreadingHTTPServer):
    """A server on one address; each connection has a thread."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(
        self, address: tuple[str, int], state: State, faults: Faults, clock: Clock
    ) -> None:
        super().__init__(address, Handler)
        self.state, self.faults, self.clock = state, faults, clock
        self.previous: dict[str, Answer] = {}
        self.calls: deque[tuple[str, str]] = deque(maxlen=1000)
        """The method and the `traceparent` of each call."""

    def answer(self, path: str, body: bytes, traceparent: str) -> Answer | None:
        """Answer a SOAP request; None ends the connection without an answer."""
        try:
            request = read(body)
        except Fault as fault:
            return fault.answer()
        if request.tag not in (wsfe.METHODS if path == WSFE_PATH else ("loginCms",)):
            text = "Server did not recognize the value of HTTP Header SOAPAction"
            return Fault("soap:Client", text).answer()
        self.calls.append((request.tag, traceparent))
        plan = self.faults.next(request.tag)
        found = self._faulty(plan, request) if plan else self._carry_out(request)
        if found is not None and plan is None:
            self.previous[request.tag] = found
        return found

    def _carry_out(self, request: Element) -> Answer:
        try:
            with self.state.lock:
                if request.tag == "loginCms":
                    return wsaa.login(self.state, request, self.clock())
                result = wsfe.METHODS[request.tag](self.state, request, self.clock())
                return wsfe.answered(request.tag, result)
        except Fault as fault:
            return fault.answer()

    def _faulty(self, plan: Plan, request: Element) -> Answer | None:
        if plan.kind == "slow":
            time.sleep(plan.seconds)
        done = self._carry_out(request) if plan.kind in CARRIED_OUT else None
        if plan.kind == "twice":
            done = self._carry_out(request)
        code, text = INTERNAL
        internal = wsfe.answered(request.tag, {"Errors": {"Err": {"Code": code, "Msg": text}}})
        gateway = Answer(502, "<html><body>Bad Gateway</body></html>", "text/html")
        answers = {
            "slow": done,
            "twice": done,
            "refused": None,
            "lost": None,
            "http": gateway,
            "internal": internal,
            "internal_after": internal,
            "stale": self.previous.get(request.tag, gateway),
        }
        if plan.kind == "rejected":
            return wsfe.answered(request.tag, wsfe.refusal(request, REJECTED, self.clock()))
        return answers[plan.kind]

    def control(self, method: str, path: str, body: bytes) -> Any:
        """Carry out a control request; return its JSON, or None for an unknown one."""
        if (method, path) == ("GET", "/control/authorized"):
            with self.state.lock:
                return self.state.listed()
        if (method, path) == ("POST", "/control/faults"):
            self.faults.add(Plan.of(json.loads(body)))
        elif (method, path) == ("DELETE", "/control/faults"):
            self.faults.clear()
        elif (method, path) == ("DELETE", "/control/tickets"):
            with self.state.lock:
                self.state.forget_tickets()
        else:
            return None
        return {}


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        """Answer a SOAP call or a control request."""
        self._serve()

    def do_GET(self) -> None:
        """Answer a control request."""
        self._serve()

    def do_DELETE(self) -> None:
        """Answer a control request."""
        self._serve()

    def _serve(self) -> None:
        agency = cast("Agency", self.server)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.path in (WSAA_PATH, WSFE_PATH) and self.command == "POST":
            found = agency.answer(self.path, body, self.headers.get("traceparent") or "")
        else:
            found = self._control(agency, body)
        if found is None:
            self.close_connection = True
            return
        data = found.body.encode()
        self.send_response(found.status)
        self.send_header("Content-Type", found.content_type)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _control(self, agency: Agency, body: bytes) -> Answer:
        try:
            result = agency.control(self.command, self.path, body)
        except ValueError as error:
            return Answer(400, json.dumps({"error": str(error)}), "application/json")
        status = 404 if result is None else 200
        return Answer(status, json.dumps(result), "application/json")

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - http.server's own name
        """Say nothing: the file has everything."""
