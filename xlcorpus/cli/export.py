"""`xlcorpus export`: packs in the format of another trainer."""

from __future__ import annotations

from typing import Any

import click

from xlcorpus.cli.options import OutputPath, step_option
from xlcorpus.dataset.storage import Location


def _command() -> click.Command:
    from xlcorpus.export.export import ExportOptions

    @click.command("export")
    @click.argument("dataset", type=click.Path(path_type=Location))
    @click.option("--output", "-o", type=OutputPath(file_okay=False), metavar="DIR", required=True, help="a new folder")
    @click.option("--overwrite", is_flag=True, help="replace an export that is there")
    def command(dataset: Location, output: Location, overwrite: bool, **values: Any) -> None:
        """Write the documents of DATASET, packs of token ids, as another trainer reads them.

        Split documents are joined; what is around documents stays. Prints what was written, which export.json in the
        folder says too, with the SHA-256 of every file.

        \b
        Example:
          xlcorpus export out/packed --format megatron --output out/megatron
        """
        from xlcorpus.export.card import TRAINED_IN_PART, end_line
        from xlcorpus.export.export import export
        from xlcorpus.options import checked

        given = {name: value for name, value in values.items() if value is not None}
        options = checked(ExportOptions, given, "xlcorpus export", "options", "`xlcorpus export --help`")
        done = export(dataset, output, options, overwrite=overwrite)
        click.echo(
            f"{done.documents:,} documents, {done.tokens:,} tokens of {done.target.dtype.name} in {len(done.files):,} "
            f"{'file' if len(done.files) == 1 else 'files'}: {output}"
        )
        click.echo(end_line(done.target.end, done.documents, done.ending, done.inside))
        if done.trained_in_part:
            click.echo(TRAINED_IN_PART)

    command.params[1:1] = [step_option(name, field) for name, field in ExportOptions.model_fields.items()]
    return command


command = _command()
