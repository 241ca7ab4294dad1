"""Train a fastText language identification model from a folder of `xxx_Yyyy.txt.gz` files, one text a line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xlcorpus.dataset import storage
from xlcorpus.dataset.storage import Location
from xlcorpus.errors import UserError
from xlcorpus.lid.card import model_card, source_lines
from xlcorpus.lid.evaluate import evaluate, is_held_out, text_lines
from xlcorpus.lid.fasttext_file import load_quietly
from xlcorpus.lid.folding import fold
from xlcorpus.lid.model import open_model
from xlcorpus.text.hashes import hash_text
from xlcorpus.text.labels import FOLDED_PREFIX

_MIN_BYTES = 3  # of a folded line; shorter ones are initials and units
_MIN_EVALUATED = 20  # characters of a held-out line; shorter ones are interface words that many languages share
_PRUNED_FEATURE_BYTES = 9 + 2  # index and norm of a kept feature, and its share of the words kept in the dictionary


def sampling_weights() -> dict[str, float]:
    """Weights of the embedded model's labels (`sampling.tsv`): over 1 for the most wanted, less for near dialects."""
    text = storage.read_text(storage.packaged("xlcorpus.lid", "sampling.tsv"))
    return {label: float(weight) for label, weight in (line.split("\t") for line in text.splitlines()[1:])}


@dataclass(frozen=True)
class TrainOptions:
    """How to train: what is sampled and the shape of the network.

    A label gets max_lines * (its lines / most lines) ** exponent * its weight, and no line is repeated more than
    max_repeats times. Labels in `weights` need min_chars_listed characters of text, others min_chars; a weight of 0
    leaves a label out. One line in hold_out is kept from training, by its hash.
    """

    exponent: float = 0.3
    max_lines: int = 20_000
    max_repeats: int = 12
    weights: Mapping[str, float] = field(default_factory=sampling_weights)
    unlisted_weight: float = 0.6
    min_chars: int = 20_000
    min_chars_listed: int = 2_000
    hold_out: int = 50
    dim: int = 32
    minn: int = 1
    maxn: int = 4
    bucket: int = 2_000_000
    min_count: int = 100
    epoch: int = 3
    lr: float = 0.8
    threads: int = 1
    seed: int = 1

    def weight(self, label: str) -> float:
        """Sampling weight of a label."""
        return self.weights.get(label, self.unlisted_weight)


def training_files(folder: Location) -> dict[str, Location]:
    """Label to file of a folder of `xxx_Yyyy.txt.gz` files. Raises UserError where there is none."""
    files = {path.name.removesuffix(".txt.gz"): path for path in storage.matches_of(f"{folder}/???_????.txt.gz")}
    if not files:
        raise UserError(
            f"{folder} holds no training text",
            remedy="give a folder with one file a language-script, named like swh_Latn.txt.gz, one text a line",
        )
    return files


def resample(rows: int, wanted: int, seed: int) -> np.ndarray:
    """Row numbers (int64[wanted]): each row as often as the others, give or take one, in a seeded random choice."""
    generator = np.random.default_rng(seed)
    whole, rest = divmod(wanted, rows)
    return np.concatenate([np.tile(np.arange(rows), whole), generator.permutation(rows)[:rest]]).astype(np.int64)


def wanted_lines(rows: Mapping[str, int], options: TrainOptions) -> dict[str, int]:
    """Lines to sample for each label, from its distinct lines (see `TrainOptions`).

    Source: exponent 0.3 in OpenLID (Burchell et al., ACL 2023) and GlotLID (Kargaran et al., Findings of EMNLP 2023).
    """
    most = max(rows.values())
    return {
        label: max(
            1,
            min(
                round(options.max_lines * (count / most) ** options.exponent * options.weight(label)),
                options.max_repeats * count,
            ),
        )
        for label, count in rows.items()
    }


def _columns(files: Mapping[str, Location], options: TrainOptions) -> dict[str, pa.StringArray]:
    """Distinct folded training lines of each label with enough text."""
    columns: dict[str, pa.StringArray] = {}
    for label, path in files.items():
        lines = [line for line in text_lines(path) if not is_held_out(line, options.hold_out)]
        needed = options.min_chars_listed if label in options.weights else options.min_chars
        if options.weight(label) <= 0 or sum(map(len, lines)) < needed:
            continue
        folded = pc.unique(fold(pa.array(lines, type=pa.string())))
        folded = folded.filter(pc.greater_equal(pc.binary_length(folded), _MIN_BYTES))
        if len(folded):
            columns[label] = folded
    if len(columns) < 2:
        raise UserError("fewer than two languages have enough text to train on", remedy="lower min_chars or add text")
    return columns


def write_training_text(files: Mapping[str, Location], target: Location, options: TrainOptions) -> dict[str, int]:
    """Write the resampled, folded, shuffled training text; returns label to distinct lines used."""
    columns = _columns(files, options)
    rows = {label: len(column) for label, column in columns.items()}
    wanted = wanted_lines(rows, options)
    chosen = []
    for label, column in columns.items():
        seed = int(hash_text(f"{options.seed}:{label}"))
        sample = column.take(pa.array(resample(rows[label], wanted[label], seed)))
        chosen.append(pc.binary_join_element_wise(f"{FOLDED_PREFIX}{label}", sample, " ").cast(pa.large_string()))
    everything = pa.concat_arrays(chosen)
    order = np.random.default_rng(options.seed).permutation(len(everything))
    parts = (everything.take(pa.array(order[start : start + 100_000])) for start in range(0, len(order), 100_000))
    storage.write_parts(target, (("\n".join(part.to_pylist()) + "\n").encode() for part in parts))
    return rows


def fit(text: Location, full: Location, options: TrainOptions) -> None:
    """Train the full-precision model from a text written by `write_training_text` and save it as `full`."""
    import fasttext

    model = fasttext.train_supervised(
        input=str(text),
        label=FOLDED_PREFIX,
        dim=options.dim,
        minn=options.minn,
        maxn=options.maxn,
        bucket=options.bucket,
        minCount=options.min_count,
        epoch=options.epoch,
        lr=options.lr,
        loss="softmax",
        wordNgrams=1,
        thread=options.threads,
        seed=options.seed,
        verbose=0,
    )
    model.save_model(str(full))


def quantize(full: Location, small: Location, size_limit_bytes: int, threads: int = 1) -> int:
    """Prune and product-quantise a full model into at most size_limit_bytes; returns the number of features kept.

    Source: Joulin et al. 2016, FastText.zip. Raises UserError where the limit is too small for the labels.
    """
    features = size_limit_bytes
    for _ in range(4):
        model = load_quietly(full)
        arguments = model.f.getArgs()
        room = arguments.bucket + len(model.get_words())
        features = int(min(features, room, int(size_limit_bytes / (arguments.dim // 2 + _PRUNED_FEATURE_BYTES))))
        if features < 1_000:
            break
        # A cutoff of at least the number of features would prune nothing and leave every hash bucket.
        model.quantize(cutoff=min(features, room - 1), qnorm=True, qout=False, retrain=False, dsub=2, thread=threads)
        model.save_model(str(small))
        size = storage.size_of(small)
        if size <= size_limit_bytes:
            return features
        features = int(features * size_limit_bytes / size * 0.98)
    raise UserError(
        f"a model of this shape does not fit into {size_limit_bytes:,} bytes", remedy="raise the limit or lower dim"
    )


def train(
    data_folder: Location,
    output: Location,
    *,
    size_limit_bytes: int = 6_000_000,
    options: TrainOptions | None = None,
    evaluate_on: Mapping[str, Iterable[Location]] | None = None,
    notes: str = "",
) -> pa.Table:
    """Train a model from `data_folder` into the file `output`, with its card `README.md` beside it.

    data_folder: `xxx_Yyyy.txt.gz` files and, for the card, `sources.tsv`. evaluate_on: title to files for more rows in
    the card; texts among the training lines count only where they were held out, if the title ends in "(held out)".
    notes: what else the card shall say, such as the licence of the weights.
    Returns the table of `evaluate` over the held-out lines. The same input, options and one thread give the same file.
    Raises UserError where there is too little text, or the model does not fit the limit.
    """
    options = options or TrainOptions()
    files = training_files(data_folder)
    with storage.scratch_folder() as folder:
        text, full, small = folder / "train.txt", folder / "full.bin", folder / "small.ftz"
        rows = write_training_text(files, text, options)
        fit(text, full, options)
        features = quantize(full, small, size_limit_bytes, options.threads)
        storage.write_bytes(output, storage.read_bytes(small))
    model = open_model(output)
    held_out = evaluate(model, [files[label] for label in rows], held_out=options.hold_out, min_chars=_MIN_EVALUATED)
    figures = {f"held-out lines (one in {options.hold_out}, over {_MIN_EVALUATED - 1} characters)": held_out}
    for title, paths in (evaluate_on or {}).items():
        unseen = options.hold_out if title.endswith("(held out)") else 0
        figures[title] = evaluate(model, paths, held_out=unseen)
    settings = {name: value for name, value in asdict(options).items() if name != "weights"} | {"features": features}
    card = model_card(
        model, rows=rows, sources=source_lines(data_folder, rows), settings=settings, figures=figures, notes=notes
    )
    storage.write_text(output.parent / "README.md", card)
    return held_out
