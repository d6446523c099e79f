"""`docent search`, `show`, `drift`: the catalog as one member sees it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import click

from plugin.catalog.freshness import freshness
from plugin.catalog.kinds import KINDS
from plugin.cli.session import Session, command_options, json_option, plain, print_json, print_lines
from plugin.cli.terminal import echo
from plugin.errors import BadInput, NotFound
from plugin.store.drift import Narrowed
from plugin.store.shapes import CHANGES, Resource, TableUse


@click.command()
@command_options
@json_option
@click.argument("text")
@click.option(
    "--kind",
    "kinds",
    multiple=True,
    metavar="K",
    type=click.Choice(KINDS),
    help="Only this kind; may be given again.",
)
@click.option("--limit", type=click.IntRange(1, 300), default=20, show_default=True)
@click.option("--integration", "integrations", multiple=True, metavar="I", help="Only this integration.")
@click.pass_obj
def search(
    session: Session,
    text: str,
    kinds: tuple[str, ...],
    limit: int,
    integrations: tuple[str, ...],
    as_json: bool,
) -> None:
    """Find things in the catalog, best first."""
    with session.store.as_viewer(session.viewer()) as mine:
        found = mine.catalog.search(text, kinds=kinds, integrations=integrations, limit=limit)
    if as_json:
        print_lines(
            {
                "rank": hit.rank,
                "id": hit.resource.id,
                "kind": hit.resource.kind,
                "name": hit.resource.name,
                "qualified_name": hit.resource.qualified_name,
                "integration": hit.resource.integration,
                "description": hit.resource.description,
                "score": hit.score,
            }
            for hit in found.hits
        )
        return
    for hit in found.hits:
        about = (hit.resource.description or "").split("\n")[0]
        gone = hit.resource.stale_since
        mark = f"[gone at the source since {gone:%Y-%m-%d}]  " if gone else ""
        echo(f"{hit.rank:>3}  {hit.resource.kind:<8} {hit.resource.qualified_name}  {mark}{about}"[:160])
    if not found.hits:
        more = f" Did you mean {found.did_you_mean!r}?" if found.did_you_mean else ""
        echo(f"Nothing matches {text!r}.{more}", err=True)


@click.command()
@command_options
@json_option
@click.argument("qualified_name")
@click.option("--integration", metavar="I")
@click.pass_obj
def show(session: Session, qualified_name: str, integration: str | None, as_json: bool) -> None:
    """Show one resource with its columns and keys, and how it is used."""
    with session.store.as_viewer(session.viewer()) as mine:
        resource = mine.catalog.by_name(qualified_name, integration=integration)
        columns = mine.catalog.columns(resource.id)
        keys = mine.catalog.keys(resource.id)
        indexes = mine.catalog.indexes(resource.id)
        ai_use = mine.catalog.ai_use(resource.id)
        use = mine.catalog.use(resource.id)
        queries = mine.catalog.frequent_queries(resource.id, limit=5) if use.statements else ()
        if full := mine.catalog.full_definition(resource.id):
            resource = replace(resource, definition=full)
    if as_json:
        document = plain(resource)
        document |= {
            "columns": plain(columns),
            "keys": plain(keys),
            "indexes": plain(indexes),
            "ai_use": plain(ai_use),
            "use": plain(use._asdict()),
            "frequent_queries": [plain(each._asdict()) for each in queries],
        }
        print_json(document)
        return
    echo(f"{resource.kind} {resource.qualified_name} ({resource.integration})")
    for line in (*_facts(resource), *_used(resource, use)):
        echo(line)
    if resource.definition:
        echo(resource.definition)
    for column in columns:
        marks = " PK" if column.is_pk else ""
        sure = column.sensitivity_confidence
        kind = (
            f"[{column.sensitivity}{f', {sure:.0%} sure' if sure is not None else ''}] "
            if column.sensitivity
            else ""
        )
        echo(
            f"  {column.name:<28} {column.native_type or '':<18}{marks:<4} {kind}{column.description or ''}".rstrip()
        )
    for key in keys:
        target = f" -> {key.ref} ({', '.join(key.ref_columns)})" if key.ref else ""
        echo(f"  {key.kind} key ({', '.join(key.columns)}){target}")
    if queries:
        echo("Frequent queries, literals masked:")
    for each in queries:
        people = f" by {_number(each.people, 'person', 'people')}" if each.people else ""
        echo(f"  {_number(each.runs, 'time')}{people}: {each.sql}")


def _facts(resource: Resource) -> Iterator[str]:
    """The lines about a resource that have something to say."""
    if resource.description:
        yield resource.description
    if resource.owners:
        yield "Owned by " + ", ".join(owner.name for owner in resource.owners)
    if resource.tags:
        yield "Tags: " + ", ".join(resource.tags)
    if resource.row_estimate is not None:
        yield f"About {resource.row_estimate:,} rows"
    if resource.changed_at:
        yield f"Changed at its source {resource.changed_at:%Y-%m-%d %H:%M} UTC"
    if resource.analyzed_at:
        yield f"Last analysed {resource.analyzed_at:%Y-%m-%d %H:%M} UTC"
    if words := freshness(resource, datetime.now(UTC)):
        yield words[0].upper() + words[1:]


def _used(resource: Resource, use: TableUse) -> Iterator[str]:
    """How it is used, as far as the member sees the statements; nothing where no use is known."""
    if resource.popularity:
        yield f"Popularity {round(resource.popularity * 100)} of 100"
    if use.statements:
        people = f", from at least {_number(use.people, 'person', 'people')}" if use.people else ""
        runs, over = _number(use.runs, "time"), _number(use.statements, "statement")
        yield f"Queried {runs} by {over} of the query log{people}"


def _number(number: int, word: str, more: str | None = None) -> str:
    return f"{number:,} {word if number == 1 else more or word + 's'}"


def start_of(since: str, now: datetime) -> datetime:
    """The moment that a day or a time means, in UTC; of a weekday it is the last one, today where it is that day.

    Days begin at midnight where `now` is, and a time without a zone is one there: in the zone of `now`, or, where that
    is an offset only or none, of this machine.
    """
    word = since.strip().lower()
    zone = now.tzinfo if isinstance(now.tzinfo, ZoneInfo) else None
    today = now.date() if zone else now.astimezone().date()
    start = None
    for back in range(7):
        day = today - timedelta(days=back)
        if word in (f"{day:%A}".lower(), ("today", "yesterday")[back] if back < 2 else None):
            start = datetime.combine(day, time.min)
    try:
        start = start or datetime.fromisoformat(since)
        if start.tzinfo is None and zone is not None:
            start = start.replace(tzinfo=zone)
        return start.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise BadInput(
            "--since is a day or a time, as monday, yesterday, 2026-01-31 or 2026-01-31T09:00", field="since"
        ) from error


@click.command()
@command_options
@json_option
@click.option(
    "--since", required=True, metavar="DATE", help="A day or a time: monday, yesterday, 2026-01-31T09:00."
)
@click.option("--change", type=click.Choice(CHANGES), help="Only this kind of change.")
@click.option("--integration", metavar="I", help="Only of this integration.")
@click.option(
    "--under", metavar="NAME", help="Only of a database, schema or table, by its name; it may be gone."
)
@click.option("--limit", type=click.IntRange(1, 10_000), default=500, show_default=True)
@click.pass_obj
def drift(
    session: Session,
    since: str,
    change: str | None,
    integration: str | None,
    under: str | None,
    limit: int,
    as_json: bool,
) -> None:
    """Show what syncs found changed at the sources: added, removed, retyped, redescribed, redefined, rekeyed.

    A column that became NOT NULL is required, and optional where it may be NULL again. A rename is one thing removed
    and another added; a table that the integration's role may no longer see is removed, too. Days begin at midnight on
    this machine; the times printed are UTC. Differences are kept for 400 days.
    """
    start = start_of(since, datetime.now().astimezone())
    meant: Narrowed = {"change": change, "integration": integration, "named": under}
    with session.store.as_viewer(session.viewer()) as mine:
        known = {each.name.lower() for each in mine.catalog.integrations()}
        if integration is not None and integration.strip().lower() not in known:
            raise NotFound(f"there is no integration {integration!r} that you can see")
        found = mine.catalog.drift(start, limit=limit, **meant)
        total = sum(mine.catalog.count_drift(start, **meant).values())
    if as_json:
        print_lines(plain(each) for each in found)
    else:
        for each in found:
            told = each.change in ("retyped", "rekeyed")
            became = f"  {each.before or 'nothing'} -> {each.after or 'nothing'}" if told else ""
            name = f"{each.integration}: {each.kind} {each.qualified_name}"
            echo(f"{each.at:%Y-%m-%d %H:%M}  {each.change:<12} {name}{became}")
    if not found and not as_json:
        echo(f"No sync has found such a change since {start:%Y-%m-%d %H:%M} UTC.", err=True)
    if total > len(found):
        echo(f"These are the newest {len(found):,} of {total:,} changes; --limit takes more.", err=True)
