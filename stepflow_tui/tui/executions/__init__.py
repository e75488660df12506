"""The list of executions: all, filtered or by name, and the cells of its rows."""
