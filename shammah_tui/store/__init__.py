"""The SQLite file of the home: sessions, ratings, rules. Client and engine use it alike."""
