"""`make bench`: the real daemon and Alertmanager under the same load on one machine, against the targets."""
