"""The command line: one more thin door to the services."""
