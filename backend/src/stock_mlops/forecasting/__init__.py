"""The forecasting core: a model is defined (``spec``), trained and judged (``trainer``), and served (``bundle``)."""
