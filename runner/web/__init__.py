"""Who may ask what over HTTP?

The product's one listener, in a process of its own: a gate before everything, and thin routes behind it.
"""
