"""A crowd of citizens for Locust: speaks only HTTP and imports nothing of the platform."""
