"""What a run says of itself: a run card for machines, a model card for people."""

from __future__ import annotations

import platform
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import version
from typing import Any

import xlcorpus
from xlcorpus.pretrain.plan import Plan
from xlcorpus.pretrain.recipe import Recipe, StageOptions
from xlcorpus.pretrain.sources import Data
from xlcorpus.text.aliases import macrolanguage_of, members_of
from xlcorpus.text.labels import language_of

_LIBRARIES = ("torch", "transformers", "accelerate", "safetensors", "pyarrow", "numpy")
_MOST = 40  # languages that the model card lists


def data_facts(data: Data, stage: StageOptions) -> list[dict[str, Any]]:
    """Each dataset by its fingerprint: its rows, languages, and how it was made."""
    facts = []
    for source, given in zip(data.sources, stage.data, strict=True):
        manifest = source.rows.manifest
        facts.append(
            {
                "folder": given.folder,
                "objective": given.objective,
                "options": given.options,
                "weight": given.weight,
                "content_fingerprint": manifest.content_fingerprint,
                "fingerprint": manifest.fingerprint,
                "rows": manifest.rows,
                "view": source.rows.view,
                "languages": dict(languages_of(manifest.notes, manifest.languages)),
                "code_version": manifest.code_version,
            }
        )
    return facts


def languages_of(notes: Mapping[str, Any], rows: Mapping[str, int]) -> Counter[str]:
    """Tokens by language where packing counted them, else rows."""
    counted = notes.get("counts", {}).get("languages")
    return Counter({label: int(n) for label, n in (counted if isinstance(counted, dict) else rows).items() if label})


def related_to(trained: Iterable[str]) -> list[str]:
    """Languages of one macrolanguage with a trained one that are not trained themselves: continued training of few
    languages is known to harm such (El Mekki et al.: down to -44 % on SIB-200)."""
    codes = {language_of(label) for label in trained}
    macros = {macro for code in codes if (macro := macrolanguage_of(code)) is not None}
    return sorted({member for macro in macros for member in members_of(macro)} - codes)


def environment() -> dict[str, str]:
    """Versions of what the weights depend on beside the recipe."""
    found = {name: version(name) for name in _LIBRARIES}
    return {"xlcorpus": xlcorpus.__version__, "python": platform.python_version(), **found}


def run_facts(
    recipe: Recipe,
    stages: Sequence[tuple[StageOptions, Data, Plan]],
    counted: Mapping[str, Any],
    device: Mapping[str, Any],
) -> dict[str, Any]:
    """The run card but for identity and results. counted: what the starting weights were made of."""
    done: list[dict[str, Any]] = [
        {"name": stage.name, "steps": plan.steps, "tokens": plan.tokens, "data": data_facts(data, stage)}
        for stage, data, plan in stages
    ]
    by_data = {one["content_fingerprint"]: one["languages"] for stage in done for one in stage["data"]}
    trained = sum((Counter(languages) for languages in by_data.values()), Counter[str]())
    return {
        "recipe": recipe.content,
        "seed": recipe.seed,
        "start": dict(counted),
        "versions": environment(),
        "device": dict(device),
        "stages": done,
        "languages": dict(trained.most_common()),
        "watch": related_to(trained),
    }


def model_card(
    recipe: Recipe,
    facts: Mapping[str, Any],
    evaluation: Mapping[str, Any] | None,
    architecture: str,
    *,
    own_kind: bool = False,
) -> str:
    """README.md of the model's folder, with the front matter that hubs read; own_kind: of a type that is ours."""
    labels = list(facts["languages"])
    codes = list(dict.fromkeys(language_of(label) for label in labels))
    front = ["---", "library_name: transformers", "tags: [xlcorpus]", f"language: [{', '.join(codes)}]", "---", ""]
    lines = [f"# {recipe.name}", "", *([" ".join(recipe.about.split()), ""] if recipe.about else [])]
    lines += [
        f"Trained by `xlcorpus pretrain` {facts['versions']['xlcorpus']}; all that the weights follow from is in "
        "`run.json`: the recipe, the seed, the data by fingerprint, the versions.",
        "",
        f"Begun from: {facts['start'].get('source', 'random weights')}.",
        "",
        "```python",
        *(["import xlcorpus.initialize.encoder_decoder  # the kind of model", ""] if own_kind else []),
        f"from transformers import AutoTokenizer, {architecture}",
        "",
        f'model = {architecture}.from_pretrained("PATH")',
        'tokenizer = AutoTokenizer.from_pretrained("PATH")',
        "```",
        "",
        "| stage | data | objective | rows | weight | tokens of the stage |",
        "| --- | --- | --- | ---: | ---: | ---: |",
    ]
    for stage in facts["stages"]:
        for one in stage["data"]:
            name, objective = one["content_fingerprint"][:12], one["objective"]
            of_data = f"{stage['name']} | {name} | {objective} | {one['rows']:,} | {one['weight']:g}"
            lines.append(f"| {of_data} | {stage['tokens']:,} |")
    shown = [f"{label} {count:,}" for label, count in list(facts["languages"].items())[:_MOST]]
    more = f", and {len(labels) - _MOST} more" if len(labels) > _MOST else ""
    lines += ["", f"Languages (tokens in the packs, or rows): {', '.join(shown)}{more}."]
    if facts["watch"]:
        lines += ["", f"Related languages to watch, which were not trained: {', '.join(facts['watch'][:_MOST])}."]
    lines += ["", *_evaluation_lines(evaluation)]
    return "\n".join([*front, *lines]).rstrip() + "\n"


def _evaluation_lines(evaluation: Mapping[str, Any] | None) -> list[str]:
    lines: list[str] = []
    for name, found in (evaluation or {}).items():
        for measure in ("bits_per_byte", "pseudo_bits_per_byte"):  # the latter of masked tokens
            for language, bits in found.get(measure, {}).items():
                error = f" ± {bits['error']:.3f}" if bits.get("error") is not None else ""
                lines.append(f"| {name} | {language} | {bits[measure]:.3f}{error} |")
    head = ["## Bits per byte on rows held out", "", "| data | language | bits per byte |", "| --- | --- | ---: |"]
    return [*head, *lines] if lines else []
