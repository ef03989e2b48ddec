"""What must hold in one document that its schema cannot say?"""
