"""Whether a model still lives in the world it was trained in, and whether its data are right. No I/O, no clock."""
