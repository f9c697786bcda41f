"""The wording gate: what a public text must not say, what it lacks, and what to write instead."""
