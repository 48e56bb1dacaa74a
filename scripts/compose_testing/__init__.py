"""What ``scripts/test_compose`` is made of. The standard library alone: it runs wherever Docker and Python 3.11 are."""
