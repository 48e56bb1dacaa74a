"""What the platform adds to the fits of a training."""
