"""Token shards: documents packed to a context length, pairs and views as token ids. Pure kernels, no Beam, no torch."""
