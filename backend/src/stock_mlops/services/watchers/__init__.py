"""One file per thing that is watched; ``services.monitoring`` asks them all about each instrument."""
