"""Token shards to a trained, evaluated model: torch and transformers, no Beam; reads datasets only."""
