"""How columns become the text of a row, with special tokens and what is trained on: templates in Jinja's sandbox."""
