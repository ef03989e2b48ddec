"""What can someone ask for?"""
