"""Which strategy to use for a task: rules over the intervals and differences of a board; docs/advice.md lists them."""
