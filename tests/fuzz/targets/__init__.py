"""What is fuzzed, a parser each: `TARGET`."""
