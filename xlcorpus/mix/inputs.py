"""What a mix is made of: names and columns of its inputs, looked at before anything runs, and the plan for them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from xlcorpus.dataset.dataset import Dataset
from xlcorpus.dataset.features import features_of
from xlcorpus.dataset.kinds import PAIR, may_hold
from xlcorpus.dataset.manifest import Manifest
from xlcorpus.dataset.several import partly_there, refuse_given_twice
from xlcorpus.dataset.storage import fingerprint, fingerprint_of_file, locate
from xlcorpus.errors import UserError, nearest
from xlcorpus.mix.achieved import achieved_totals
from xlcorpus.mix.allocate import MixPlan, plan_mix
from xlcorpus.mix.cells import KINDS, NONE, Cell, canonical_lang
from xlcorpus.mix.census import ShardCells, cells_of
from xlcorpus.mix.mixed_rows import MIX_FIELDS, columns_of_all, features_in_mix, form_of
from xlcorpus.mix.options import Options
from xlcorpus.mix.ratios_option import resolve_names, spec_of_ratios
from xlcorpus.mix.rules.match import references, resolve, without_paths
from xlcorpus.mix.shipped import load_mix
from xlcorpus.mix.spec import MixSpec
from xlcorpus.mix.templated import check_template
from xlcorpus.pairs.swap import Directions
from xlcorpus.text.labels import canonical_direction, same_language
from xlcorpus.tokenizer.open import open_tokenizer

TARGET_BYTES = 64 << 20  # of text in an output shard: what one worker sorts in memory


def fingerprints(options: Options) -> dict[str, str]:
    """Fingerprints of the tokenizer, of what the mix says, and of the mixes that are matched, wherever they lie."""
    found = {}
    if options.tokenizer:
        found["tokenizer"] = open_tokenizer(options.tokenizer).fingerprint
    if options.mix:
        found["mix"] = fingerprint(without_paths(load_mix(options.mix)))
    if options.languages_from:
        found["languages"] = fingerprint_of_file(options.languages_from)
    for mix in dict.fromkeys(mix for mix, _ in references(options.fixed())):
        name, content = f"match {locate(mix).name}", Manifest.load(locate(mix)).content_fingerprint
        found[name] = f"{found[name]} {content}" if name in found else content  # folders of one name, elsewhere
    return found


def check(options: Options, inputs: Sequence[Dataset]) -> list[str]:
    """Look at names and columns before anything runs; returns what to evaluate on, raises UserError."""
    refuse_given_twice(inputs)
    fixed = options.fixed()
    if options.ratios is not None and inputs:
        languages, sources = Counter[str](), Counter[str]()
        for dataset in inputs:
            languages.update(dataset.manifest.languages)
            sources.update(dataset.manifest.sources)
        check_names(options.ratios, languages, sources, _kinds_in(inputs))
    if options.latin and inputs and not any("text_latn" in dataset.manifest.arrow_schema.names for dataset in inputs):
        raise UserError("--latin: no input has romanised texts", remedy="run `xlcorpus romanize` before mixing")
    if options.ways.swaps and inputs:
        _check_directions(options.ways, inputs)
    check_template(options.template, inputs, options.tokenizer)
    achieved_totals(fixed, options.unit_means(fixed))
    form = form_of(inputs, swaps=options.ways.swaps)
    columns_of_all(inputs, form)
    known = features_of([dataset.manifest.arrow_schema for dataset in inputs])[1]
    differing = [line for line in features_in_mix(inputs, form)[1] if line not in known]
    related = ", ".join(fixed.related[:10]) if fixed is not None else ""
    said = [f"mix: evaluate on these related languages too: {related}"] if related else []
    return [
        *partly_there(inputs, "mix", [field.name for field in MIX_FIELDS]),
        *differing,
        *said,
        *_only_given(fixed, inputs),
    ]


def _check_directions(ways: Directions, inputs: Sequence[Dataset]) -> None:
    """Raise UserError where --directions would do nothing: to pairs in a mix of several kinds, or without pairs."""
    pairs = [one.manifest for one in inputs if one.manifest.schema_name == PAIR]
    for one in inputs:
        if one.manifest.schema_name != PAIR and may_hold(
            PAIR, one.manifest.schema_name, one.manifest.arrow_schema.names
        ):
            raise UserError(
                f"--directions: {one.folder} is a mix of several kinds, whose pairs stay as they are",
                remedy="give --directions to the mix that the pairs go into first, or leave it out",
            )
    if not pairs:
        raise UserError("--directions: no input holds sentence pairs", remedy="leave it out")
    known = {side for manifest in pairs for name in manifest.languages for side in name.split("-") if side}
    if ways.label and not any(same_language(side, ways.label) for side in known):
        raise UserError(
            f"--directions {ways.way}={ways.label}: no pair has that language; {nearest(ways.label, known)}",
            remedy="`xlcorpus inspect DIR` lists the languages of a dataset",
        )


def _only_given(spec: MixSpec | None, inputs: Sequence[Dataset]) -> list[str]:
    """What is said of the languages whose labels no step gives and no input has."""
    there = {canonical_lang(name) for dataset in inputs for name in dataset.manifest.languages}
    absent = [name for name in (spec.only_given if spec is not None else ()) if canonical_lang(name) not in there]
    if not absent or not inputs:
        return []
    return [
        f"mix: no model gives these labels of {spec.name if spec else ''}: {', '.join(absent)}; they are there where "
        "files say them (ingest --lang, --lang-column)"
    ]


def _kinds_in(inputs: Sequence[Dataset]) -> set[str]:
    """What the columns `kind` say: one small column is read, where there is one."""
    found: set[str] = set()
    for dataset in inputs:
        if "kind" in dataset.manifest.arrow_schema.names:
            for batch in dataset.batches(["kind"]):
                found.update(map(str, filter(None, batch.column("kind").unique().to_pylist())))
    return found


def check_names(
    ratios: Mapping[str, float], languages: Mapping[str, int], sources: Mapping[str, int], kinds: Iterable[str] = ()
) -> None:
    """Names of ratios against the manifests, before anything is counted; raises UserError with the nearest name.

    kinds: those that rows bear, besides those of the steps.
    """
    named = [{name or NONE: count for name, count in counts.items()} for counts in (languages, sources)]
    resolve_names(ratios, named[0], named[1], dict.fromkeys((*KINDS, *kinds), 1))


def spec_of(options: Options, cells: Sequence[Cell], totals_of: Mapping[tuple[str, str], Mapping[str, int]]) -> MixSpec:
    """The spec that options ask for with these cells. totals_of: units by group of other mixes (`achieved_totals`)."""
    spec = options.fixed()
    if spec is not None:
        return resolve(spec, lambda mix, key: totals_of[mix, key])
    assert options.ratios is not None
    counts = {key: Counter[str]() for key in ("lang", "source", "kind")}
    for cell in cells:
        for key, counter in counts.items():
            value = canonical_direction(cell.lang) if key == "lang" else cell.value(key)
            counter[value or NONE] += cell.documents
    names = resolve_names(options.ratios, counts["lang"], counts["source"], counts["kind"])
    return spec_of_ratios(options.ratios, names, options.unit or "tokens")


def plan_for(options: Options, counted: Iterable[ShardCells]) -> tuple[MixSpec, MixPlan]:
    """The spec and the plan, once the cells of all shards are counted."""
    cells, fixed = cells_of(counted), options.fixed()
    means = options.unit_means(fixed)
    spec = spec_of(options, cells, achieved_totals(fixed, means))
    return spec, plan_mix(cells, spec, options.budget, options.max_epochs)


def shard_sizes(options: Options, plan: MixPlan) -> list[int]:
    """Bytes of text, roughly, of each output shard."""
    text_bytes = sum(item.budget / max(item.cell.units, 1) * item.cell.text_bytes for item in plan.cells)
    targets = options.shards or max(1, math.ceil(text_bytes / TARGET_BYTES))
    return [math.ceil(text_bytes / targets)] * targets
