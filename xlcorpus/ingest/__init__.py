"""Read what users have as Arrow batches: texts (JSON Lines, plain text, Parquet, WARC, WET, ARC), pairs, source trees.

Every record of the input becomes a row, a decision or a reject; its locator is its byte offset in the decompressed
file (Parquet: its row number; a source file: 0), so that neither splitting nor compression changes a `doc_id`.
"""
