"""Code-switching: bilingual dictionaries, word alignment, and operators that put words of other languages in."""
