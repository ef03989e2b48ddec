"""What does a person or a script type?"""
