"""Which words does every room share?"""
