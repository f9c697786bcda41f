"""Tests of the configuration: file, environment, secrets, example, documentation."""
