"""Tasks on files, public and one's own, for domains whose plugins generate theirs."""
