"""State on disk: the SQLite store, moto's backends, jobs, the clock, small files."""
