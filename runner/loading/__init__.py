"""What do these files say, and what is wrong with them?"""
