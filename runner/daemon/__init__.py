"""How do the parts run together until somebody stops them?"""
