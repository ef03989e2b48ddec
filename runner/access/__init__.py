"""May this actor do this?"""
