"""`xlcorpus pretrain RECIPE`: train a model on token shards."""

from __future__ import annotations

import click

from xlcorpus.cli.installed import TRAINING, require
from xlcorpus.cli.options import output_option
from xlcorpus.dataset.storage import Location, locate


@click.command("pretrain")
@click.argument("recipe")
@output_option(help="folder of the model  [default: out/NAME]")
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="KEY=VALUE",
    help="seed=3, variables.x=y, optimizer.lr=1e-3, data.0.weight=2",
)
@click.option("--resume", is_flag=True, help="go on with an unfinished run from its last checkpoint")
@click.option("--overwrite", is_flag=True, help="replace what an earlier run left in the output folder")
@click.option(
    "--plan", "--dry-run", "plan_only", is_flag=True, help="say what would be trained, in what memory, and stop"
)
@click.option("--quiet", is_flag=True, help="no line but the last")
def command(
    recipe: str,
    output: Location | None,
    settings: tuple[str, ...],
    resume: bool,
    overwrite: bool,
    plan_only: bool,
    quiet: bool,
) -> int:
    """Train a model on token shards by RECIPE: a YAML file, or the name of a shipped one (`xlcorpus recipes list`).

    The output is a folder that AutoModel and AutoTokenizer of transformers load, with a run card (run.json), a model
    card (README.md) and metrics.jsonl. SIGTERM saves a checkpoint and ends with 143; --resume goes on as if nothing had
    been. Several processes: torchrun --nproc-per-node 2 -m xlcorpus pretrain RECIPE.

    \b
    Example:
      xlcorpus pretrain quickstart --output out/model --plan
      xlcorpus pretrain my.yaml --output out/model --set budget=100M --resume
    """
    require(TRAINING, "training")
    from xlcorpus.evaluate.held_out import HeldOut
    from xlcorpus.pretrain.recipe import load_recipe
    from xlcorpus.pretrain.train import Settings, pretrain

    def say(line: str) -> None:
        if not quiet:
            click.echo(line)

    loaded = load_recipe(recipe, settings)
    folder = output or locate("out") / loaded.name
    evaluation = HeldOut(loaded.tokenizer_path)
    return pretrain(loaded, folder, Settings(resume, overwrite, plan_only, say), evaluation)
