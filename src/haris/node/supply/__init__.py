"""The faces that hand out keys, one standard a file, and what stands behind them."""
