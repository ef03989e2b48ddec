"""How does an order become a finished process?"""
