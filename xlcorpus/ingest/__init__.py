"""Read what users have as Arrow batches: documents and sentence pairs, in formats that are found by name.

Every record of the input becomes a row, a decision or a reject; its locator is its byte offset in the decompressed
file (Parquet: its row number), so that splitting changes no `doc_id`.
"""
