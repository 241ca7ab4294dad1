"""The model card that lies next to a trained model: its data, licences, labels and measured figures, in Markdown."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

import pyarrow as pa

from xlcorpus.dataset import storage
from xlcorpus.dataset.storage import Location
from xlcorpus.lid.evaluate import ALL_LANGUAGES
from xlcorpus.lid.model import LanguageModel

_ROWS_OF_LABELS = 8


def _known_sources() -> dict[str, tuple[str, str, bool]]:
    text = storage.read_text(storage.packaged("xlcorpus.lid", "sources.tsv"))
    rows = (line.split("\t") for line in text.splitlines()[1:])
    return {source: (title, licence, verified == "yes") for source, title, licence, verified in rows}


def source_lines(folder: Location, labels: Iterable[str]) -> dict[str, int]:
    """Lines of each source behind these labels, from the folder's `sources.tsv`; {} without one."""
    path = folder / "sources.tsv"
    if not storage.is_file(path):
        return {}
    wanted = set(labels)
    lines: dict[str, int] = defaultdict(int)
    for row in storage.read_text(path).splitlines()[1:]:
        label, source, count = row.split("\t")
        if label in wanted:
            lines[source] += int(count)
    return dict(lines)


def _sources_section(lines: Mapping[str, int]) -> list[str]:
    if not lines:
        return ["The folder named no sources (`sources.tsv`).", ""]
    known = _known_sources()
    text = ["| source | lines | licence |", "| --- | ---: | --- |"]
    unverified = []
    for source, count in sorted(lines.items(), key=lambda item: (-item[1], item[0])):
        title, licence, verified = known.get(source, (source, "not stated", False))
        if not verified:
            unverified.append(source)
        text.append(f"| {title} (`{source}`) | {count:,} | {licence}{'' if verified else ' (unverified)'} |")
    if unverified:
        names = ", ".join(f"`{source}`" for source in sorted(unverified))
        text += ["", f"Unverified: the licences of {names} were not re-read when the training text was put together."]
    return [*text, ""]


def _figures_section(figures: Mapping[str, pa.Table]) -> list[str]:
    text = ["| texts | languages known to it | n | accuracy | mean F1 |", "| --- | ---: | ---: | ---: | ---: |"]
    for title, table in figures.items():
        rows = table.to_pylist()
        total = next(row for row in rows if row["lang"] == ALL_LANGUAGES)
        languages = sum(row["known"] and row["lang"] != ALL_LANGUAGES for row in rows)
        text.append(f"| {title} | {languages} | {total['n']:,} | {total['recall']:.4f} | {total['f1']:.4f} |")
    return [*text, ""]


def _labels_section(rows: Mapping[str, int], by_language: Mapping[str, float]) -> list[str]:
    cells = []
    for label in sorted(rows):
        score = f" {by_language[label]:.2f}" if label in by_language else ""
        cells.append(f"`{label}` {rows[label]:,}{score}")
    lines = [" · ".join(cells[start : start + _ROWS_OF_LABELS]) for start in range(0, len(cells), _ROWS_OF_LABELS)]
    return ["Label, distinct training lines, F1 on the held-out lines.", "", *lines, ""]


def model_card(
    model: LanguageModel,
    *,
    rows: Mapping[str, int],
    sources: Mapping[str, int],
    settings: Mapping[str, object],
    figures: Mapping[str, pa.Table],
    notes: str = "",
) -> str:
    """The card as Markdown: rows are training lines by label, sources lines by source, figures tables of `evaluate`."""
    held_out = next(iter(figures.values()), None)
    by_language = (
        {}
        if held_out is None
        else dict(zip(held_out.column("lang").to_pylist(), held_out.column("f1").to_pylist(), strict=True))
    )
    weak = sorted(label for label, f1 in by_language.items() if label in rows and f1 < 0.8)
    size = storage.size_of(model.path)
    text = [
        f"# {model.path.name}: language identification, {len(model.labels)} language-scripts",
        "",
        f"A supervised fastText model (Joulin et al., EACL 2017), {size:,} bytes, fingerprint (xxh3-128) "
        f"`{model.fingerprint}`. Labels are ISO 639-3 and ISO 15924, after FLORES-200.",
        "It was trained on folded text (`xlcorpus.lid.folding.fold`: NFC, lower case, letters and apostrophes only, no "
        "inline code, markup or addresses); its labels begin with `__folded__`, so that xlcorpus folds its input.",
        "",
        "## Figures",
        "",
        *_figures_section(figures),
        "Through `identify_batch`, that is with the script as prior. Languages it has no label for are not counted.",
        "Held-out lines are chosen by the hash of their text: lines of the same document or template were trained on.",
        "",
        *([notes, ""] if notes else []),
        "## Weak",
        "",
        "F1 under 0.8 on the held-out lines: " + (", ".join(f"`{label}`" for label in weak) or "none") + ".",
        "Closely related languages (Bosnian, Croatian, Serbian; Indonesian, Malay; the Arabic dialects; "
        "Bokmål, Danish) are told apart by little; a language it does not know gets the label of a neighbour. Some "
        "languages had only interface strings or word lists to learn from.",
        "",
        "## Training",
        "",
        ", ".join(f"{name} {value}" for name, value in settings.items()) + ".",
        "Lines are sampled with the exponent 0.3 of OpenLID (Burchell et al., ACL 2023) and GlotLID (Kargaran et al., "
        "Findings of EMNLP 2023), then by a weight a label (`xlcorpus/lid/sampling.tsv`).",
        "",
        "## Data and licences",
        "",
        *_sources_section(sources),
        "None of this text is in the package; the model holds weights and frequent letter sequences and words only.",
        "",
        "## Labels",
        "",
        *_labels_section(rows, by_language),
    ]
    return "\n".join(text)
