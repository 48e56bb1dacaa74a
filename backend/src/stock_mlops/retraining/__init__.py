"""The closed loop's rules: when a model is trained again, what a retraining goes through, and what ends it. Pure."""
