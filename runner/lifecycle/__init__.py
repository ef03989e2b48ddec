"""Which state follows, and is this move allowed?"""
