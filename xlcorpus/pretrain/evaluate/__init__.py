"""What a model has learnt: bits per byte by language, retrieval of parallel sentences, language mixing."""
