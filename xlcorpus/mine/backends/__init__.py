"""Back ends: ways to ask a language model, a module each (`backend.py`)."""
