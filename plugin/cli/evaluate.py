"""`docent eval retrieval`: how well the product's own search finds the right tables."""

from __future__ import annotations

import click

from plugin.cli.session import json_option, print_json
from plugin.cli.terminal import echo


@click.group("eval")
def evaluate() -> None:
    """Measure the product on data of your own."""


@evaluate.command()
@json_option
@click.option("--catalog", required=True, type=click.Path(exists=True, dir_okay=False))
@click.option("--questions", required=True, type=click.Path(exists=True, dir_okay=False))
@click.option(
    "--setting", "settings", multiple=True, type=click.Choice(["A", "A+", "B"]), help="May be given again."
)
@click.option(
    "--run", "run_file", type=click.Path(dir_okay=False), help="Write the ranked table ids here, as JSONL."
)
def retrieval(
    catalog: str, questions: str, settings: tuple[str, ...], run_file: str | None, as_json: bool
) -> None:
    """Import a catalog into a scratch workspace, ask each question, print metrics per setting."""
    from plugin.catalog.evaluate import retrieval as run

    found = run(catalog, questions, settings=settings or ("A", "A+", "B"), run_file=run_file)
    if as_json:
        print_json(found)
        return
    for setting, metrics in found.items():
        shown = "  ".join(
            f"{key}={value:.4g}" for key, value in metrics.items() if isinstance(value, int | float)
        )
        echo(f"{setting:<3} {shown}")
