"""Token labels: read in the usual shapes, carried from one text to another, written back in the shape they came in."""
