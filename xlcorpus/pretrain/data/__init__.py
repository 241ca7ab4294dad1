"""Rows of token shards in a shuffled order that ranks and workers share, and the tensors of a batch."""
