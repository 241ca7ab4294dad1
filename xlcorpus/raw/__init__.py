"""What every reader of raw files shares, whatever their format: streams, lines, ranges, and rows made of records."""
