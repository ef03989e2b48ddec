"""What may an author write, and what does it mean?"""
