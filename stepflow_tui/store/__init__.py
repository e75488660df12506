"""The database: all SQL, its one writer and its many readers."""
