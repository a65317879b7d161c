"""The sentences of docs/service-contract.md, and the test that holds each of them.

A sentence without a test is one about the platform, or one that only introduces others.
"""

import re
from collections.abc import Mapping

from tests import ROOT

PAGE = ROOT / "docs" / "service-contract.md"

TESTS: Mapping[str, str] = {
    "| architecture |": "test_the_image_is_built_as_the_contract_says",
    "| port |": "test_the_service_listens_on_its_port",
    "| `GET /health/live` |": "test_live_calls_no_other_system",
    "| `GET /health/ready` |": "test_ready_names_the_system_that_is_away",
    "| health command |": "test_the_health_command_follows_live",
    "| migrations |": "test_the_commands_of_the_image_run_these_modules",
    "| `/app/smoke URL` |": "test_smoke_asks_both_paths",
    "| file system |": "test_nothing_is_written_outside_tmp",
    "| SIGTERM |": "test_sigterm_finishes_what_it_has",
    "| user |": "test_the_image_is_built_as_the_contract_says",
    "| `STAGE` |": "test_metrics_have_the_stage_and_the_contracts_names",
    "| `PUBLIC_URL` |": "test_tokens_are_signed_by_the_key_for_the_public_url",
    "| `DATABASE_HOST`": "test_an_invoice_touches_every_system",
    "| `DATABASE_POOL_SIZE` |": "test_a_task_holds_no_more_connections_than_it_may",
    "| `DATABASE_USERNAME`": "test_an_invoice_touches_every_system",
    "| `CACHE_HOST`": "test_connections_are_strict_unless_told_otherwise",
    "| `DOCUMENTS_BUCKET` |": "test_an_invoice_touches_every_system",
    "| `ARCA_CERTIFICATE`": "test_an_invoice_touches_every_system",
    "| `JWT_KEY` |": "test_tokens_are_signed_by_the_key_for_the_public_url",
    "| `REQUESTS_FAST_MS`": "test_without_a_threshold_its_metric_is_omitted",
    "Connections to the database use TLS": "test_connections_are_strict_unless_told_otherwise",
    "One task runs against a read-only replica": "test_a_task_on_standby_never_writes",
    "It must start, answer": "test_a_task_on_standby_never_writes",
    "`GET /v1/status` answers 200": "test_status_needs_no_credentials_and_changes_nothing",
    "It reads one row of the database": "test_status_needs_no_credentials_and_changes_nothing",
    "It also calls ARCA's own status method": "test_status_asks_arca_once_a_minute",
    "The service writes one JSON object": "test_every_line_keeps_the_contract",
    "[service-log.schema.json]": "test_every_line_keeps_the_contract",
    "Check the output in the service's own tests": "test_every_line_keeps_the_contract",
    "| `timestamp`": "test_every_line_keeps_the_contract",
    "| `correlation_id` |": "test_every_line_keeps_the_contract",
    "| `route`": "test_a_request_is_logged_by_its_route",
    "| `error_class` |": "test_every_line_keeps_the_contract",
    "| `statement`": "test_a_slow_query_has_a_line_of_its_own",
    "| `arca_code`": "test_a_refusal_is_logged_with_arcas_code",
    "| `audit`": "test_an_authorized_invoice_is_an_audit_record",
    "No line contains a password": "test_every_line_keeps_the_contract",
    "No line contains a CUIT": "test_every_line_keeps_the_contract",
    "The correlation id is the first": "test_the_correlation_id_is_the_first_that_a_request_has",
    "1. `CF-Ray`": "test_the_correlation_id_is_the_first_that_a_request_has",
    "2. the trace id": "test_the_correlation_id_is_the_first_that_a_request_has",
    "3. the root": "test_the_correlation_id_is_the_first_that_a_request_has",
    "4. an id": "test_the_correlation_id_is_the_first_that_a_request_has",
    "The id is in every log line": "test_the_correlation_id_is_the_first_that_a_request_has",
    "For calls to ARCA, it is": "test_a_request_is_one_trace",
    "Metrics use CloudWatch's": "test_metrics_have_the_stage_and_the_contracts_names",
    "They are part of the log line": "test_a_request_is_logged_by_its_route",
    "The namespace is": "test_metrics_have_the_stage_and_the_contracts_names",
    "The dimension `Stage`": "test_metrics_have_the_stage_and_the_contracts_names",
    "A counter that counts nothing": "test_metrics_have_the_stage_and_the_contracts_names",
    'The service counts "fast"': "test_a_request_has_failed_when_we_failed",
    "A request has failed": "test_a_request_has_failed_when_we_failed",
    "A failed request is never fast": "test_a_failed_request_is_never_fast",
    "What is fast is the number": "test_without_a_threshold_its_metric_is_omitted",
    "The service has no default": "test_without_a_threshold_its_metric_is_omitted",
    "A line that counts one request": "test_a_request_is_logged_by_its_route",
    "Send OTLP to": "test_a_request_is_one_trace",
    "A missing collector": "test_a_collector_that_hangs_costs_a_request_nothing",
    "Propagate W3C": "test_a_request_is_one_trace",
    "Sample everything": "test_a_request_is_one_trace",
    "Span names are routes": "test_a_request_is_one_trace",
    "Calls to the database and to ARCA": "test_a_request_is_one_trace",
}
"""The first words of each sentence, and its test in this folder."""
PLATFORM = (
    "ARCA API is a container image",
    "This page lists what the image",
    "Plain variables are SSM",
    "Secrets are in Secrets Manager",
    "ECS puts both",
    # arca_migrate has tests of its own for these.
    "| `DATABASE_ADDRESS` |",
    "| `APP_DATABASE_USERNAME`",
    "The secrets that nobody generates",
    "Tasks do not start before",
    "The probe treats this answer",
    "Every connection comes from Cloudflare",
    "The customer's address is",
    "The checker recognizes a CUIT",
    "`arca logs --correlation-id`",
    "`arca contract check` finds",
    "The collector keeps all errors",
    "It can decide this only",
    "[The example service]",
)
"""The first words of sentences that ask nothing of the service."""


def sentences() -> list[str]:
    """Return every sentence and every row of the page, without the generated tables."""
    text = PAGE.read_text(encoding="utf-8")
    text = re.sub(r"<!-- generated: .*?<!-- end -->|```.*?```", "", text, flags=re.DOTALL)
    found: list[str] = []
    for block in re.split(r"\n\s*\n", text):
        lines = block.strip().split("\n")
        if lines[0].startswith("|"):
            found += lines[2:]
        elif lines[0] and not lines[0].startswith("#"):
            joined = " ".join(line.strip() for line in lines)
            found += re.split(r"(?<=[a-z`)][.:;])\s+(?=[A-Z`\[]|\d\. )", joined)
    return found
