"""The public status page: view models, templates, static files, Statuspage JSON."""
