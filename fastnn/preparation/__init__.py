"""From what a user hands over to arrays with weights, the same for every door."""
