"""What `fastnn check` runs."""
