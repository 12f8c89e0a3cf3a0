"""Everything one may ask of partners, an aggregate a file; each is fetch, ask, put."""
