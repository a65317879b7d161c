"""The report of a record as one HTML page that loads nothing else."""

import html
from collections.abc import Iterable

from arca.recovery.record import Record
from arca.recovery.report import data_rows, kind, phase_rows, summary_rows
from arca.recovery.timeline import timeline
from arca.recovery.verdict import judge

STYLE = """
:root { color-scheme: light dark; --text: #1b1f24; --page: #ffffff; --soft: #57606a;
  --line: #d0d7de; --ok: #1a7f37; --bad: #b3261e; --late: #9a6700; --mark: #0550ae; }
@media (prefers-color-scheme: dark) { :root { --text: #e6edf3; --page: #0d1117; --soft: #9ba5b0;
  --line: #3d444d; --ok: #3fb950; --bad: #ff7b72; --late: #d29922; --mark: #79c0ff; } }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--text); background: var(--page);
  max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; margin: .5rem 0 1.5rem; }
td, th { padding: .3rem .8rem; border-bottom: 1px solid var(--line); text-align: left;
  vertical-align: top; }
.scroll { overflow-x: auto; } .verdict { font-size: 1.3rem; font-weight: 700; }
.passed { color: var(--ok); } .failed { color: var(--bad); }
.emulated { border: 2px solid var(--late); padding: .5rem 1rem; }
svg { width: 100%; min-width: 40rem; height: auto; font: 13px system-ui, sans-serif; }
svg text { fill: var(--text); } svg .tick { fill: var(--soft); font-size: 12px; }
svg .grid { stroke: var(--line); } svg .budget { fill: none; stroke: var(--soft); }
svg .bar { fill: var(--ok); } svg .bar.failed, svg .bar.interrupted { fill: var(--bad); }
svg .bar.late { fill: var(--late); } svg .bar.skipped { fill: var(--soft); }
svg line.mark { stroke: var(--mark); stroke-dasharray: 4 3; } svg text.mark { fill: var(--mark); }
"""
SCROLLED = '<div class="scroll" tabindex="0" role="region" aria-label="Timeline">'
EMULATED = (
    "Measured in the emulated cloud. It proves the steps and the data; its durations say nothing "
    "about AWS."
)


def report_page(record: Record) -> str:
    """Return the page of a record."""
    verdict = judge(record)
    word = "passed" if verdict.passed else "failed"
    title = f"{kind(record).capitalize()}: {record.primary} to {record.secondary}"
    emulated = f'<p class="emulated"><strong>{EMULATED}</strong></p>'
    return "\n".join(
        [
            '<!doctype html><html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{_text(f'{title}, {record.declared:%Y-%m-%d}: {word}')}</title>",
            f"<style>{STYLE}</style></head><body><main>",
            f"<h1>{_text(title)}</h1>",
            f'<p class="verdict {word}">{word.upper()}</p>',
            emulated if record.environment == "emulated" else "",
            _list("Reasons", verdict.reasons),
            _list("Notes", verdict.notes),
            "<h2>Summary</h2>",
            _table(("what", "value"), summary_rows(record)),
            "<h2>Timeline</h2>",
            f"{SCROLLED}{timeline(record)}</div>",
            "<p>A bar is a phase, and the outline behind it is its budget.</p>",
            _table(
                ("phase", "began (UTC)", "took", "budget", "outcome", "seen"), phase_rows(record)
            ),
            "<h2>Data</h2>",
            _table(("what", "count", "which"), data_rows(record)),
            "<h2>Invariants</h2>",
            _table(
                ("invariant", "outcome", "seen"),
                ((one.name, one.outcome, one.seen) for one in record.invariants),
            ),
            "<h2>Clean-up</h2>",
            _table(
                ("what", "gone", "seen"),
                ((one.what, "yes" if one.gone else "NO", one.seen) for one in record.cleaned_up),
            ),
            "</main></body></html>\n",
        ]
    )


def _list(title: str, texts: Iterable[str]) -> str:
    items = "".join(f"<li>{_text(one)}</li>" for one in texts)
    return f"<h2>{title}</h2><ul>{items}</ul>" if items else ""


def _table(titles: Iterable[str], rows: Iterable[tuple[str, ...]]) -> str:
    head = "".join(f'<th scope="col">{_text(one)}</th>' for one in titles)
    body = "".join(f"<tr>{''.join(f'<td>{_text(cell)}</td>' for cell in row)}</tr>" for row in rows)
    if not body:
        return "<p>Nothing.</p>"
    return (
        f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'
        "</div>"
    )


def _text(content: str) -> str:
    return html.escape(content)
