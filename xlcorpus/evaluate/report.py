"""A report of an evaluation as files: JSON, and a plot of each measure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from xlcorpus.dataset import storage
from xlcorpus.dataset.storage import Location
from xlcorpus.errors import UserError
from xlcorpus.evaluate.costs import Bits, write_documents
from xlcorpus.text.bars import Panel, bars

REPORT = "evaluation.json"
_BLUE, _RED, _GREEN = "#35618f", "#b3672b", "#4d7f4a"
_ALL = "all"
Rows = list[list[str]]


def check_output(folder: Location, *, overwrite: bool) -> None:
    """Raise UserError where a report is there already."""
    if storage.is_file(folder / REPORT) and not overwrite:
        raise UserError(f"{folder} holds an evaluation already", remedy="--overwrite, or another --output")


def write_report(
    report: Mapping[str, Any], documents: Mapping[str, Mapping[str, Bits]], folder: Location
) -> list[Location]:
    """Write `evaluation.json`, `documents.parquet`, and `bits.svg`, `retrieval.svg` and `mixing.svg` of what there is;
    their places."""
    storage.make_folder(folder)
    storage.write_json(folder / REPORT, report)
    written = [folder / REPORT, *([write_documents(documents, folder)] if documents else [])]
    for name, draw in (("bits", _plot_bits), ("retrieval", _plot_retrieval), ("mixing", _plot_mixing)):
        if report[name]:
            storage.write_text(folder / f"{name}.svg", draw(report))
            written.append(folder / f"{name}.svg")
    return written


def tables(report: Mapping[str, Any]) -> dict[str, Rows]:
    """Rows of cells by title, the first of names."""
    found: dict[str, Rows] = {}
    for name, one in report["bits"].items():
        rows = [["language", measure(one), "± error", "loss", "tokens", "bytes", "documents"]]
        for lang, facts in [*one["languages"].items(), (_ALL, one[_ALL])]:
            rows.append(
                [lang, _cell(facts[measure(one)]), _cell(facts["error"]), _cell(facts["loss"])]
                + [f"{round(facts[key]):,}" for key in ("tokens", "bytes", "documents")]
            )
        found[f"{measure(one).replace('_', ' ')}: {name}"] = rows
        if "against" in one:
            other = one["against"]
            titles = ["language", "here", "there", "difference", "± error", "documents"]
            shown = (measure(one), "other", "difference", "error")
            found[f"{name} here, and {other['dataset']} of {other['evaluation']} there"] = [titles] + [
                [lang, *(_cell(facts[key]) for key in shown), f"{facts['documents']:,}"]
                for lang, facts in [*other["languages"].items(), (_ALL, other[_ALL])]
            ]
    for name, lines in report["retrieval"].items():
        keys = ("a_to_b", "b_to_a", "top_1", "error", "top_5", "chance")
        titles = ["languages", "layer", "pairs", "->", "<-", "top 1", "± error", "top 5", "chance"]
        found[f"retrieval: {name}"] = [titles] + [
            [f"{row['src_lang']} - {row['tgt_lang']}", str(row["layer"]), f"{row['pairs']:,}"]
            + [_cell(row[key]) for key in keys]
            for row in lines
        ]
    for name, langs in report["mixing"].items():
        titles = ["language", "texts", "judged", "other language", "± error", "of the texts themselves", "other script"]
        titles.append("into")
        found[f"mixing of languages: {name}"] = [titles] + [_mixing_row(lang, one) for lang, one in langs.items()]
    return found


def measure(facts: Mapping[str, Any]) -> str:
    """`bits_per_byte`, or of masked tokens `pseudo_bits_per_byte`."""
    return next(key for key in facts[_ALL] if key.endswith("bits_per_byte"))


def _mixing_row(lang: str, one: Mapping[str, Any]) -> list[str]:
    made, real = one["generated"], one["reference"]
    into = ", ".join(f"{other} {share:.0%}" for other, share in made["into"].items()) or "-"
    cells = [_cell(made["other_language"]), _cell(made["other_language_error"]), _cell(real["other_language"])]
    return [lang, str(made["texts"]), _cell(made["judged"]), *cells, _cell(made["other_script"]), into]


def _plot_bits(report: Mapping[str, Any]) -> str:
    named = [*report["bits"].items()]
    langs = [*sorted({lang for _, one in named for lang in one["languages"]}), _ALL]
    panels = []
    for name, one in named:
        rows = [one["languages"].get(lang) if lang != _ALL else one[_ALL] for lang in langs]
        values, errors = ([row[key] if row else None for row in rows] for key in (measure(one), "error"))
        panels.append(Panel(f"{measure(one).replace('_', ' ')}: {_last(name)}", values, _BLUE, errors))
    return bars(report["model"], langs, panels)


def _plot_retrieval(report: Mapping[str, Any]) -> str:
    rows = [row for lines in report["retrieval"].values() for row in lines]
    labels = [f"{row['src_lang']} - {row['tgt_lang']}, layer {row['layer']}" for row in rows]
    top_1 = Panel("retrieval, top 1", [row["top_1"] for row in rows], _BLUE, [row["error"] for row in rows])
    return bars(report["model"], labels, [top_1, Panel("top 5", [row["top_5"] for row in rows], _GREEN)])


def _plot_mixing(report: Mapping[str, Any]) -> str:
    rows = [(lang, one) for langs in report["mixing"].values() for lang, one in langs.items()]

    def panel(title: str, which: str, key: str, colour: str) -> Panel:
        facts = [one[which] for _, one in rows]
        return Panel(title, [one[key] for one in facts], colour, [one[f"{key}_error"] for one in facts])

    return bars(
        report["model"],
        [lang for lang, _ in rows],
        [
            panel("written in another language", "generated", "other_language", _RED),
            panel("the texts themselves", "reference", "other_language", _GREEN),
            panel("written in another script", "generated", "other_script", _RED),
        ],
    )


def _last(name: str) -> str:
    return name.rstrip("/").rpartition("/")[2] or name


def _cell(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
