"""The forecasting core: a model's definition (``spec``), its training and evaluation (``trainer``), serving (``bundle``)."""
