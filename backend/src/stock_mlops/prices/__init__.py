"""Daily prices: their frame, the quality gate, adjustment, and the sources they come from."""
