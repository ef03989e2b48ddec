"""When is the next slot, and how is a slot named?"""
