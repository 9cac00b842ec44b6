"""What `fastnn check` runs (floor 7)."""
