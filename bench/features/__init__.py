"""How fast features are computed, beside pandas, and with one core and two."""
