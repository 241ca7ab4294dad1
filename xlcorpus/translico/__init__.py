"""The TransliCo view: pairs of a sentence and its romanisation, a share of each language and script."""
