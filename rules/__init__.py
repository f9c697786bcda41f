"""The rule language: loading, matching, deciding, texts; pure."""
