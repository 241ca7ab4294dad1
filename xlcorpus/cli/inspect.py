"""`xlcorpus inspect DIR`: what is in here?"""

from __future__ import annotations

import click

from xlcorpus.cli.options import at_least
from xlcorpus.dataset.storage import Location


@click.command("inspect")
@click.argument("folder", type=click.Path(path_type=Location))
@click.option("--rows", type=at_least(0), default=5, show_default=True, help="sample rows to show")
@click.option("--verify", is_flag=True, help="read every file and compare its SHA-256 with the manifest's")
def command(folder: Location, rows: int, verify: bool) -> None:
    """Show a dataset: schema, counts by language, source and reason, sample rows.

    \b
    Example:
      xlcorpus inspect out/quickstart/mix --verify
    """
    from xlcorpus.dataset.dataset import Dataset
    from xlcorpus.report.contents import contents_lines, sample_lines

    dataset = Dataset.open(folder, verify=verify)
    lines = contents_lines(dataset)
    if rows:
        lines += ["", "rows", *sample_lines(dataset, rows)]
    if verify:
        lines += ["", "verified: every file has the SHA-256 that the manifest names"]
    for line in lines:
        click.echo(line)
