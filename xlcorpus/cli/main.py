"""`xlcorpus`: the group of all commands, and how errors end."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from typing import Any

import click

import xlcorpus
from xlcorpus.beam.interrupt import end_now, interrupted, say_interrupted, watched
from xlcorpus.cli.logs import quiet_beam
from xlcorpus.errors import UserError, nearest
from xlcorpus.recipe.registry import described_steps, step_names

# Commands that are not steps: module of this package and one line for `xlcorpus --help`.
COMMANDS = {
    "run": ("xlcorpus.cli.run", "Run a recipe (a YAML file, or the name of a shipped one)."),
    "recipes": ("xlcorpus.cli.recipes", "List or show the shipped recipes."),
    "mine": ("xlcorpus.cli.mine", "Mine sentence pairs of two languages out of documents and a language model."),
    "prompts": ("xlcorpus.cli.prompts", "Write mined pairs as prompts, or as fine-tuning data (trl, LLaMA-Factory)."),
    "export": ("xlcorpus.cli.export", "Write packs as Megatron, datatrove, OLMo-core, LitGPT or MDS read them."),
    "inspect": ("xlcorpus.cli.inspect", "Show what is in a dataset."),
    "languages": ("xlcorpus.cli.languages", "Show what languages are like and how near; choose by it in mixes."),
    "lexicon": ("xlcorpus.cli.lexicon", "Build, merge, invert, induce or look into dictionaries; list words."),
    "control": ("xlcorpus.cli.control", "Write text without meaning: Zipf words, nested or flat brackets."),
    "tokenizer": ("xlcorpus.cli.tokenizer", "Train, extend or measure a tokenizer; tables of pieces."),
    "pretrain": ("xlcorpus.cli.pretrain", "Train a model on token shards by a recipe."),
    "evaluate": ("xlcorpus.cli.evaluate", "Measure a model: bits per byte, retrieval, mixing of languages."),
    "predict": ("xlcorpus.cli.predict", "Label the rows of a dataset with a trained model."),
    "lid": ("xlcorpus.cli.lid", "Train or evaluate a language identification model."),
}


class CommandLine(click.Group):
    """Imports a command's module when it is called: `--help` takes 0.1 s, importing Beam 0.7 s."""

    def list_commands(self, context: click.Context) -> list[str]:
        """Steps in the order of the road, then the rest."""
        return [*step_names(), *COMMANDS]

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        """The command, with its module imported."""
        if name in COMMANDS:
            command: click.Command = importlib.import_module(COMMANDS[name][0]).command
            return command
        if name in self.list_commands(context):
            from xlcorpus.cli.step import step_command

            return step_command(name)
        return None

    def resolve_command(
        self, context: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does, with the nearest known name for an unknown one."""
        if args and args[0] not in self.list_commands(context) and not args[0].startswith("-"):
            raise click.UsageError(f"there is no command {args[0]!r}; {nearest(args[0], self.list_commands(context))}")
        return super().resolve_command(context, args)

    def invoke(self, context: click.Context) -> Any:
        """As click does it, without its empty line after Ctrl-C; whatever comes of an interrupt is one."""
        try:
            return super().invoke(context)
        except BaseException as error:
            if interrupted() or isinstance(error, KeyboardInterrupt):
                raise click.Abort from None
            raise

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        """Two lists, without importing any command."""
        with formatter.section("Steps (xlcorpus STEP INPUT... --output DIR)"):
            formatter.write_dl([(step.name, step.summary) for step in described_steps()])
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.group(cls=CommandLine, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(xlcorpus.__version__, prog_name="xlcorpus")
def cli() -> None:
    """Raw multilingual text in, mixed pretraining shards out.

    \b
    Example:
      xlcorpus run quickstart --output out/quickstart
      xlcorpus dedup crawl/ --output out/dedup --workers 2
    """


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry point. Exit code 0: all is whole; 1: an error with its remedy on stderr; 2: wrong usage; 130: Ctrl-C;
    143: SIGTERM."""
    quiet_beam()
    with watched():
        try:
            status = _status(arguments)
        except KeyboardInterrupt:  # it came between the end of the command and here
            status = say_interrupted()
        if interrupted():
            end_now()
    sys.exit(status)


def _status(arguments: Sequence[str] | None) -> int:
    """Run the command, say how it failed, and give its exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given[:2] == ["pairs", "align"]:  # said as two words, too
        given[:2] = ["pairs-align"]
    beam_options: list[str] = []
    if "--" in given:
        at = given.index("--")
        given, beam_options = given[:at], given[at + 1 :]
    try:
        _check_utf8(given)
        status = cli.main(args=given, prog_name="xlcorpus", standalone_mode=False, obj=beam_options)
    except click.exceptions.Exit as exit_:
        status = exit_.exit_code
    except click.ClickException as error:
        error.show()
        status = error.exit_code
    except UserError as error:
        click.echo(f"error: {error}", err=True)
        status = 1
    except MemoryError:
        from xlcorpus.beam.failures import memory_error

        click.echo(f"error: {memory_error()}", err=True)
        status = 1
    except BrokenPipeError:
        # The reader of our output (`| head`) has seen enough.
        sys.stderr.close()
        status = 0
    except OSError as error:
        from xlcorpus.beam.failures import storage_error

        click.echo(f"error: {storage_error(error)}", err=True)
        status = 1
    except (KeyboardInterrupt, click.Abort):
        status = say_interrupted()
    return status if isinstance(status, int) else 0


def _check_utf8(arguments: Sequence[str]) -> None:
    """Raise UserError for an argument with bytes that are no UTF-8, unless a file or folder has this name."""
    from xlcorpus.dataset import storage

    for argument in arguments:
        shown = argument.encode("utf-8", "backslashreplace").decode()
        if shown != argument and not storage.exists(storage.locate(argument)):
            raise UserError(f"the argument '{shown}' is not UTF-8", remedy="write it in UTF-8")
