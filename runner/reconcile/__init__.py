"""What has to change so that what is installed equals what is declared?"""
