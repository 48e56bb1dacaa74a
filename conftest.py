"""Imported before any test. Two workspace folders bear the name of the package inside them, and pytest's importlib mode
would take the folder for the package unless the package is there first."""

import metrics_publisher
import ws_monitor

__all__ = ["metrics_publisher", "ws_monitor"]
