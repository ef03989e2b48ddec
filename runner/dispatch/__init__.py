"""May this start now, and what becomes of a slot that was missed?"""
