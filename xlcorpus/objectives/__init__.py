"""What a model learns from rows of token shards: batches, masks, attention, losses; one objective a file in kinds."""
