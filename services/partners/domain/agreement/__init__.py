"""Sharing agreements as data (S38): who may know what, for what, on what basis, until when."""
