"""How values read on a page: times, numbers, kinds, SQL. Jinja filters, no decisions."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import Any

from flask import Flask
from markupsafe import Markup, escape
from pygments.lexers.sql import SqlLexer
from pygments.token import Comment, Keyword, Literal, Name, Token

from plugin.run_sql.keywords import KEYWORDS
from web.sql_lines import in_lines

KINDS: dict[str, tuple[str, str]] = {
    "database": ("Database", "database"),
    "schema": ("Schema", "folder"),
    "table": ("Table", "table-2"),
    "view": ("View", "eye"),
    "materialized_view": ("Materialised view", "eye"),
    "foreign_table": ("Foreign table", "table-2"),
    "column": ("Column", "columns-3"),
    "dashboard_group": ("Dashboard group", "folder"),
    "dashboard": ("Dashboard", "layout-dashboard"),
    "chart": ("Chart", "gauge"),
    "model": ("Model", "braces"),
    "metric": ("Metric", "gauge"),
    "job": ("Job", "workflow"),
    "term": ("Glossary term", "book-open"),
    "document": ("Document", "scroll-text"),
    "query": ("Query", "file-question-mark"),
    "integration": ("Integration", "plug"),
}
"""kind -> (how it reads, icon)."""

ENGINES = {
    "postgres": "PostgreSQL",
    "mysql": "MySQL",
    "mariadb": "MariaDB",
    "sqlite": "SQLite",
    "duckdb": "DuckDB",
    "bigquery": "BigQuery",
    "snowflake": "Snowflake",
}

PROVIDERS = {
    "builtin": "Built-in",
    "anthropic": "Anthropic",
    "openai": "OpenAI",
    "openai_compatible": "Your own server",
    "scripted": "Scripted",
}


def kind_word(kind: str) -> str:
    """A kind as people say it."""
    return KINDS[kind][0] if kind in KINDS else kind.replace("_", " ").capitalize()


def kind_icon(kind: str) -> str:
    """The icon of a kind."""
    return KINDS[kind][1] if kind in KINDS else "file-question-mark"


def plural(count: int | None, one: str, many: str | None = None) -> str:
    """ "1 table", "3,204 tables"."""
    number = count or 0
    return f"{number:,} {one if number == 1 else (many or one + 's')}"


def big(number: float | None) -> str:
    """A count that may be an estimate: 48.2 million."""
    if number is None:
        return "unknown"
    for size, word in ((1e9, "billion"), (1e6, "million")):
        if number >= size:
            return f"{number / size:.1f} {word}"
    return f"{int(number):,}"


def size(number: float | None) -> str:
    """Bytes for people."""
    if number is None:
        return "unknown"
    for step, word in ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if number >= step:
            return f"{number / step:.1f} {word}"
    return f"{int(number)} bytes"


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def exact(moment: datetime | None) -> str:
    """21 November 2025, 07:12 UTC."""
    return "never" if moment is None else f"{_aware(moment).astimezone(UTC):%-d %B %Y, %H:%M} UTC"


def ago(moment: datetime | None, now: datetime | None = None) -> str:
    """2 hours ago; in 3 days."""
    if moment is None:
        return "never"
    seconds = ((now or datetime.now(UTC)) - _aware(moment)).total_seconds()
    ahead, seconds = seconds < 0, abs(seconds)
    if seconds < 45:
        return "in a moment" if ahead else "just now"
    for length, word in (
        (86400 * 365, "year"),
        (86400 * 30, "month"),
        (86400, "day"),
        (3600, "hour"),
        (60, "minute"),
    ):
        if seconds >= length:
            text = plural(int(seconds // length), word)
            break
    else:
        text = "1 minute"
    return f"in {text}" if ahead else f"{text} ago"


def when(moment: datetime | None) -> Markup:
    """A time, relative, with the exact one on hover."""
    if moment is None:
        return Markup("never")
    return Markup('<time datetime="{}" title="{}">{}</time>').format(
        _aware(moment).isoformat(timespec="seconds"), exact(moment), ago(moment)
    )


def day_word(day: date, today: date) -> str:
    """Today, Yesterday, Tuesday, 18 November."""
    distance = (today - day).days
    if distance in (0, 1):
        return ("Today", "Yesterday")[distance]
    return f"{day:%A, %-d %B}" if day.year == today.year else f"{day:%-d %B %Y}"


def initials(name: str | None) -> str:
    """Two letters for an avatar."""
    parts = re.findall(r"[^\W\d_]+", (name or "?").split("@")[0])
    return (
        "".join(part[0] for part in (parts[:1] + parts[-1:] if len(parts) > 1 else parts[:1])).upper() or "?"
    )


def sql_html(text: str | None) -> Markup:
    """SQL with its keywords and literals marked, escaped."""
    out: list[str] = []
    for kind, piece in SqlLexer(stripnl=False, ensurenl=False).get_tokens(text or ""):
        safe = escape(piece)
        if (kind in Keyword or kind is Name.Builtin) and piece.upper() in KEYWORDS:
            out.append(f"<b>{safe}</b>")
        elif kind in Literal or kind in Comment or kind in Token.Literal:
            out.append(f"<i>{safe}</i>")
        else:
            out.append(str(safe))
    return Markup("".join(out))


def marked(text: str | None, words: str | None) -> Markup:
    """Text with the searched words marked."""
    wanted = sorted(
        {word for word in re.findall(r"\w+", (words or "").lower()) if len(word) > 1}, key=len, reverse=True
    )
    safe_text = text or ""
    if not wanted:
        return escape(safe_text)
    found = re.compile("|".join(re.escape(word) for word in wanted), re.IGNORECASE)
    parts: list[Markup] = []
    at = 0
    for match in found.finditer(safe_text):
        parts.append(escape(safe_text[at : match.start()]))
        parts.append(Markup('<mark data-mark="hit">{}</mark>').format(match.group()))
        at = match.end()
    parts.append(escape(safe_text[at:]))
    return Markup("").join(parts)


def short_name(resource: Any) -> str:
    """The last two parts of a qualified name: sales.orders."""
    path = tuple(resource.path)
    if resource.kind == "column":
        return ".".join((*path[-2:], resource.name))
    if resource.kind in ("table", "view", "materialized_view", "foreign_table"):
        return ".".join((*path[-1:], resource.name))
    return str(resource.name)


def said(resource: Any) -> str:
    """What is said of a thing, in the words people wrote: its description; for a term or a document, its own text."""
    own = resource.definition if resource.kind in ("term", "document") else None
    return str(resource.description or own or "")


BROWSERS = (
    ("Edg/", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
SYSTEMS = (
    ("iPhone", "an iPhone"), ("iPad", "an iPad"), ("Android", "Android"), ("Windows", "Windows"), ("Mac OS X", "macOS"),
    ("CrOS", "ChromeOS"), ("Linux", "Linux"),
)  # fmt: skip


def browser_word(agent: str | None) -> str:
    """What a browser calls itself, as people say it: Firefox on Windows. Only a hint, since anybody can send any text.

    Considered: ua-parser; a list of a megabyte for one line on one page.
    """
    text = agent or ""
    browser = next((name for mark, name in BROWSERS if mark in text), "")
    system = next((name for mark, name in SYSTEMS if mark in text), "")
    return f"{browser or 'A browser'} on {system}" if system else browser or text[:60] or "A browser"


_GONE = re.compile(r"\[(?:removed: [^\[\]\n]{1,60}|[^\[\]\n]{1,60} masked)\]")
_STAND_IN = re.compile(r"&lt;[a-z]+(?:-[a-z]+)*-\d{1,6}&gt;")


def sent_marks(text: str | None) -> Markup:
    """Sent text with what was removed and what stands in marked."""
    safe = str(escape(text or ""))
    safe = _GONE.sub(lambda found: f'<mark data-mark="gone">{found.group()}</mark>', safe)
    return Markup(_STAND_IN.sub(lambda found: f'<mark data-mark="stand-in">{found.group()}</mark>', safe))


def provider_word(name: str | None) -> str:
    """A provider as people know it."""
    return PROVIDERS.get(name or "", name or "unknown")


def engine_word(name: str | None) -> str:
    """A source system as people know it."""
    return ENGINES.get(name or "", (name or "unknown").replace("_", " ").capitalize())


CRONS = {"0 * * * *": "Every hour", "0 */6 * * *": "Every 6 hours", "0 3 * * *": "Every day at 03:00 UTC"}


def cron_word(schedule: str | None) -> str:
    """A schedule as people say it; one that is not usual is shown as it was typed."""
    return CRONS.get(schedule or "", f"{schedule} (UTC)") if schedule else "By hand"


def register(app: Flask) -> None:
    """Give the templates these words."""
    env = app.jinja_env
    env.filters.update(
        kind_word=kind_word, kind_icon=kind_icon, plural=plural, big=big, size=size, exact=exact, ago=ago, when=when,
        initials=initials, sql_html=sql_html, in_lines=in_lines, marked=marked, short_name=short_name,
        provider_word=provider_word, engine_word=engine_word, cron_word=cron_word, sent_marks=sent_marks, said=said,
        browser_word=browser_word,
    )  # fmt: skip
    env.trim_blocks = True
    env.lstrip_blocks = True
