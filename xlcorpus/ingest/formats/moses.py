"""Sentence pairs in two text files, NAME.en and NAME.de, line by line."""

from xlcorpus.ingest.format import Format
from xlcorpus.pairs.parallel_files import join_sides
from xlcorpus.pairs.parallel_lines import cut_parallel, read_parallel

FORMAT = Format(name="moses", kinds=("pairs",), group=join_sides, cut=cut_parallel, read=read_parallel)
