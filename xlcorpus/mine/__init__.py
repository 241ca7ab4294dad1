"""Language models that are asked, and what is mined with them: words, sentence pairs, columns of any dataset."""
