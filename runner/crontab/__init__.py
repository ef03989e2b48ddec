"""What does a crontab say, when does cron start it, and how is that declared?"""
