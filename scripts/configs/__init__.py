"""Named configurations, as data."""
