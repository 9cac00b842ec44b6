"""Reports: what a training did and how good its model is, on one page that needs no network."""
