"""What has happened, and what is installed?"""
