"""`docent lineage`: what a resource is made from, what is made from it, and what breaks without it."""

from __future__ import annotations

from typing import Any

import click

from plugin.cli.session import Session, command_options, json_option, print_lines
from plugin.cli.terminal import echo
from plugin.store.impact import Broken, Impact
from plugin.store.shapes import Edge, Lineage

MOST = 5000


@click.command()
@command_options
@json_option
@click.argument("qualified_name")
@click.option("--upstream", is_flag=True, help="Only what it is made from.")
@click.option("--downstream", is_flag=True, help="Only what is made from it.")
@click.option("--depth", type=click.IntRange(1, 20), default=3, show_default=True)
@click.option("--columns", is_flag=True, help="Edges between columns.")
@click.option(
    "--impact", is_flag=True, help="What breaks if it is dropped, however far, with owners to tell."
)
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV.")
@click.option("--integration", metavar="I")
@click.pass_obj
def lineage(
    session: Session,
    qualified_name: str,
    upstream: bool,
    downstream: bool,
    depth: int,
    columns: bool,
    impact: bool,
    as_csv: bool,
    integration: str | None,
    as_json: bool,
) -> None:
    """Show what a resource is made from and what is made from it."""
    if as_csv and as_json:
        raise click.UsageError("give --csv or --json, not both")
    if impact and (upstream or columns):
        raise click.UsageError(
            "--impact looks downstream as far as there is; leave out --upstream and --columns"
        )
    both = upstream == downstream
    broken: Impact | None = None
    found: Lineage | None = None
    with session.store.as_viewer(session.viewer()) as mine:
        resource = mine.catalog.by_name(qualified_name, integration=integration)
        if impact:
            broken = mine.catalog.impact(resource.id, limit=MOST)
        else:
            found = mine.catalog.lineage(
                resource.id,
                upstream=both or upstream,
                downstream=both or downstream,
                depth=depth,
                columns=columns,
            )
    if as_csv:
        from plugin.catalog.lineage_csv import impact_csv, lineage_csv

        echo(impact_csv(broken) if broken else lineage_csv(found) if found else "", nl=False)
    elif broken is not None:
        _print_impact(broken, as_json)
    elif found is not None:
        _print_edges(found, resource.qualified_name, as_json)


def _print_edges(found: Lineage, name: str, as_json: bool) -> None:
    lines = [edge_line(edge) for edge in found.edges]
    if as_json:
        print_lines(lines)
        return
    for line in lines:
        echo(f"{line['upstream']} -> {line['downstream']}  ({line['kind']}, {line['source']})")
    if not lines:
        echo(f"The catalog knows no lineage of {name}.", err=True)


def _print_impact(found: Impact, as_json: bool) -> None:
    if as_json:
        print_lines(_impact_line(each) for each in found.broken)
        return
    for each in found.broken:
        owners = ", ".join(owner.name for owner in each.resource.owners) or "nobody"
        sure = "breaks" if each.certain else "may break"
        name = f"{each.resource.kind} {each.resource.qualified_name}"
        columns = f" ({', '.join(each.columns)})" if each.columns else ""
        echo(f"{sure:<10} {name}{columns}  {each.hops} away, reads {each.through}, owned by {owners}")
    if not found.broken:
        echo(f"Nothing that you may see depends on {found.start.qualified_name}.", err=True)
        return
    tell = ", ".join(f"{owner.name} ({number})" for owner, number in found.tell) or "nobody owns any of it"
    echo(f"Tell: {tell}." + (f" {found.unowned} without an owner." if found.unowned else ""), err=True)
    if found.cut:
        echo(f"There is more than the {MOST:,} that were looked at.", err=True)


def _impact_line(each: Broken) -> dict[str, Any]:
    return {
        "kind": each.resource.kind,
        "qualified_name": each.resource.qualified_name,
        "integration": each.resource.integration,
        "hops": each.hops,
        "certain": each.certain,
        "columns": list(each.columns),
        "through": each.through,
        "source": each.source,
        "confidence": each.confidence,
        "owners": [owner.email or owner.name for owner in each.resource.owners],
    }


def edge_line(edge: Edge) -> dict[str, Any]:
    """One edge as the contract prints it; columns are part of the names in column mode."""
    up = f"{edge.upstream}.{edge.upstream_column}" if edge.upstream_column else edge.upstream
    down = f"{edge.downstream}.{edge.downstream_column}" if edge.downstream_column else edge.downstream
    return {"upstream": up, "downstream": down, "kind": edge.kind, "source": edge.source}
