"""What may a job's Python code ask for?"""
