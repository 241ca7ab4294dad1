"""Token shards in the formats of other trainers; no torch."""
