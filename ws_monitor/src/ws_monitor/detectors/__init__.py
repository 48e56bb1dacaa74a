"""Anomaly detection on the events that pass through the sink. A new alert is one class in ``registry.py``'s list."""
