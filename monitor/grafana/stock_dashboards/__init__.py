"""Grafana's dashboards as code: each module describes one, ``python -m stock_dashboards`` writes their JSON."""
