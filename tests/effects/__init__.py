"""Whether methods do what their publications say: small models, several seeds, a row of docs/effects.md each."""
