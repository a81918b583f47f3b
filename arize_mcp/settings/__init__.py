"""The environment, read once into settings."""
