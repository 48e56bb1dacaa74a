"""The time machine's rules: what a simulation goes through, day by day, and what its days add up to. Pure."""
