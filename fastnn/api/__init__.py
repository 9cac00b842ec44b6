"""The doors that people know from other libraries; behind them is the one training loop."""
