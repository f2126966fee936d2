"""Management layer: evidence, alarms, accounting and forecasts, as values."""
