"""Which commit does this folder stand at?"""
