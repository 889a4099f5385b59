"""An interactive page of a board: one HTML file that needs no other, no server and no network; docs/site.md."""
