"""What is the secret, and where does it come from?"""
