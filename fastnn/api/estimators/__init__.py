"""The estimators for scikit-learn: `classifier` and `regressor` load it, no other module does."""
