"""What outlives a run: results of runs, and what is known of models' accounts; SQLite files in the state folder."""

from testwright.store.results import CoverageRecord, Store, StoredReport

__all__ = ["CoverageRecord", "Store", "StoredReport"]
