"""Rows of token shards in a shuffled order that ranks and workers share, as batches of an objective."""
