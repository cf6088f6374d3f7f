"""A ledger that is busy for as long as a test wants."""
import os
import sqlite3


class LedgerLock:
    """Holds one shard's write lock from outside: posting waits, as with a busy store, and every other step goes on."""

    def __init__(self, world, shard=0):
        folder = os.path.join(world.state, "lanes", "points")
        self.path = os.path.join(folder, f"miles.ledger-{shard}.db")

    def __enter__(self):
        self.connection = sqlite3.connect(self.path, timeout=30, isolation_level=None)
        self.connection.execute("BEGIN IMMEDIATE")
        return self

    def __exit__(self, *_):
        self.connection.execute("ROLLBACK")
        self.connection.close()
