"""Experiments as they are recorded in the configs repository: listing and comparing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from hfver.cli.answers.workflow import Comparison, Experiment, Value
from hfver.cli.options import common, config_file, model
from hfver.cli.output import Printer, Table
from hfver.cli.project import opened


@click.command()
@click.option("--where", metavar="CONDITION", help='Only those it is true of: "accuracy > 0.8".')
@click.option("--sort", metavar="NAME", default="-timestamp", help="Metric or parameter; - in front: highest first.")
@click.option("-n", "--limit", type=click.IntRange(min=1), metavar="N", help="At most so many.")
@model
@config_file
@common(list[Experiment])
def list_experiments(
    printer: Printer, path: Path | None, model: str | None, where: str | None, sort: str, limit: int | None
) -> None:
    """List experiments with their metrics.

    \b
    Example:
      hfver list-experiments --where "accuracy > 0.8" --sort=-accuracy -n 5
    """
    from hfver.experiments.records import shared_columns
    from hfver.training import workflow

    with opened(printer, path) as (workspace, hub):
        found = workflow.list_experiments(workspace, hub, where=where, sort=sort, limit=limit, model=model)
    columns = shared_columns(found)
    rows = [
        (one.name, one.version, one.timestamp[:16], *(_value(one.metrics.get(column)) for column in columns))
        for one in found
    ]
    answer = [
        Experiment(one.name, one.version, one.timestamp, one.commit, one.params, one.metrics, one.record)
        for one in found
    ]
    printer.data(
        answer, Table(("EXPERIMENT", "VERSION", "TIME", *columns), rows, empty="There are no experiments yet.")
    )


@click.command()
@click.argument("first")
@click.argument("second")
@click.option("--everything", is_flag=True, help="Show what they share, too.")
@model
@config_file
@common(Comparison)
def compare(printer: Printer, path: Path | None, model: str | None, first: str, second: str, everything: bool) -> None:
    """Show the parameters and metrics in which two experiments or versions differ.

    \b
    Example:
      hfver compare base new
      hfver compare v1.0.0 v1.1.0
    """
    from hfver.experiments.records import compare as compare_experiments
    from hfver.training import workflow

    with opened(printer, path) as (workspace, hub):
        one, other = workflow.two_experiments(workspace, hub, first, second, model)
    found = compare_experiments(one, other, everything=everything)
    rows = [
        (item.kind, item.name, _value(item.first), _value(item.second), f"{item.change:+.6g}" if item.change else "")
        for item in found
    ]
    values = [Value(item.kind, item.name, item.first, item.second, item.change) for item in found]
    empty = f"{first} and {second} have the same parameters and metrics."
    printer.data(
        Comparison(one.name, other.name, values),
        Table(("KIND", "NAME", one.name, other.name, "CHANGE"), rows, empty=empty),
    )


def _value(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.6g}" if isinstance(value, float) else str(value)
