"""Every question asked of partners, an aggregate a file; the picture answers for itself."""
