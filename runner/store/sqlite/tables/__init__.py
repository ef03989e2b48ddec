"""The tables as a person finds them with sqlite3 or sqlite-utils: one module for each group of nouns.

A statement here is what its migration carries out, so it is never changed: another column or table is a new
migration (runner/store/sqlite/migrations.py). What a database has now, its own `.schema` says.
"""
