"""The rule lab: histories played in virtual time, through the very services of the daemon."""
