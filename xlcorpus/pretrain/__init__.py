"""Training, from a recipe to a model with its cards: torch and transformers, no Beam; reads datasets only."""
