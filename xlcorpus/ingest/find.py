"""Find the input files and say what format each of them is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from xlcorpus.dataset.layout import MANIFEST
from xlcorpus.errors import UserError, nearest
from xlcorpus.ingest.format import FORMATS, Format, Look, formats_of
from xlcorpus.raw.input_files import FoundFiles, InputFile, found_files, look_into
from xlcorpus.raw.names import suffixes_of, uncompressed_name
from xlcorpus.raw.options import ReadOptions
from xlcorpus.raw.search import EMPTY, LISTING, UNKNOWN_FORMAT, Candidate, Remarks, chosen_files


def find_files(inputs: Sequence[str], options: ReadOptions) -> FoundFiles:
    """The files that `inputs` (files, folders, globs) mean, each once, sorted by name whatever the order of `inputs`.

    Raises UserError where an input does not exist or holds nothing, cannot be read, is a dataset, has an unknown
    format or one that does not hold what is wanted (`options.kind`), or where two files have one name.
    """
    given = known_format(options)
    documents = {suffix for format in formats_of("documents").values() for suffix in format.suffixes}
    remarks = Remarks()
    candidates = chosen_files(inputs, documents, remarks)
    found: list[InputFile] = []
    for format in FORMATS.all.values():
        if given is None and format.group is not None and options.kind in format.kinds:
            files, candidates = format.group(candidates, options)
            found += files
    for candidate in candidates:
        if candidate.own_name == MANIFEST and not candidate.explicit:  # of a download, a web page, an archive
            remarks.skip(LISTING, candidate.path)
            continue
        file = _inspect(candidate, given, options)
        if file is None:
            remarks.skip(UNKNOWN_FORMAT, candidate.path)
        else:
            found.append(file)
            if not file.size:
                remarks.note(EMPTY, candidate.path)
    return found_files(found, remarks, inputs, tuple(formats_of(options.kind)))


def known_format(options: ReadOptions) -> Format | None:
    """The format that all files are said to have, by its name or one of its suffixes; raises UserError."""
    formats, name = formats_of(options.kind), options.format
    if name is None:
        return None
    found = formats.get(name) or next((one for one in formats.values() if name in one.suffixes), None)
    if found is not None:
        return found
    if name in FORMATS.all or not formats:
        raise UserError(
            f"--kind {options.kind} cannot be read from --format {name}",
            remedy=f"it reads {', '.join(formats) or 'folders as they are: leave out --format'}",
        )
    raise UserError(f"unknown input format {name!r}: {nearest(name, formats)}", remedy=f"known: {', '.join(formats)}")


def _inspect(candidate: Candidate, given: Format | None, options: ReadOptions) -> InputFile | None:
    """The file with its format and compression; None where it is of no use and not explicit.

    Raises UserError where the file cannot be read or an explicit one is of no use.
    """
    file, head = look_into(candidate, options.source)
    says = _by_suffix(candidate)
    format, problem = given, "has an unknown format"
    remedy = f"say what it is with --format {'|'.join(formats_of(options.kind))}, decompressed if need be"
    if format is None:
        format = _sniff(Look(file.path, file.compression, head, file.returns), says)
        if format is None and says is not None and says.mistaken is not None:
            problem, remedy = says.mistaken
        elif format is not None and not format.compressed and file.compression != "none":
            problem = f"is a {file.compression} file around a {format.name} file, which cannot be read"
            format = None
    if format is not None and options.kind in format.kinds:
        if "documents" not in format.kinds and candidate.explicit and options.source is None:
            file = replace(file, source=uncompressed_name(candidate.name).rpartition(".")[0] or file.source)
        return replace(file, format=format.name)
    if not candidate.explicit:
        return None
    if options.kind == "pairs":
        raise UserError(
            f"{candidate.path} holds no sentence pairs that could be read",
            remedy="give JSON Lines, Parquet, TSV, CSV or TMX (--format says which it is where its name does not), or "
            f"parallel text in files NAME.{options.src_column} and NAME.{options.tgt_column} "
            "(--src-column, --tgt-column)",
        )
    raise UserError(f"{candidate.path} {problem}", remedy=remedy)


def _by_suffix(candidate: Candidate) -> Format | None:
    suffix = suffixes_of(candidate.own_name)[0]
    return next((format for format in FORMATS.all.values() if suffix in format.suffixes), None)


def _sniff(look: Look, says: Format | None) -> Format | None:
    """The format by content, else the one that the name says, unless the content is none of it."""
    found = {format.name: format.sniff(look) for format in FORMATS.all.values()}
    for name, verdict in found.items():
        if verdict:
            return FORMATS.all[name]
    return None if says is not None and found[says.name] is False else says
