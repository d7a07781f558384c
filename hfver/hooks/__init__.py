"""Git hooks: what the scripts in hooks/ start, their installation, and the gates a tag and a push go through."""
