"""A disk that loses what was not synced, below the store's own writer (reliability, row 17 and goal G3)."""
