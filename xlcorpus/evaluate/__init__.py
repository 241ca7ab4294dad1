"""What a trained model is worth: bits per byte, retrieval of parallel sentences, mixing of languages."""
