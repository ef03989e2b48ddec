"""Which commit of a git source is to be applied, when is it looked for, and how does the source stand?"""
