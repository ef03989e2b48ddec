"""How do rows come out of a file or a table, and into one?"""
