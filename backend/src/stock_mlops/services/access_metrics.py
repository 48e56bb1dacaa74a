"""Prometheus metrics of who comes in and who does not."""

from __future__ import annotations

from prometheus_client import Counter

LOGINS = Counter("stock_logins_total", "Log-ins and refreshes by outcome", ["kind", "outcome"])
REFUSED = Counter("stock_access_refused_total", "Calls refused before they reached their handler", ["code"])
UNCOUNTED = Counter("stock_rate_limit_unavailable_total", "Calls let through uncounted because Redis did not answer")
STALE_CALLERS = Counter("stock_access_stale_total", "Callers taken as last known because PostgreSQL did not answer")
AUDIT_FAILURES = Counter("stock_audit_failures_total", "Changing calls that are in the service's log only")
