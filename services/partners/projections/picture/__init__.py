"""The picture: one case across services, folded from what they told; a read side that could move out as it stands.

It has a schema, a consumer group and questions of its own and imports nothing of the service it lives in.

    registers   what is kept: the newest value of each slot, whatever order facts come in
    heard       fact → registers, one function a kind of fact of referral and casework, of plain values
    handoffs    the same of what partners tells: handoffs, other houses, links
    across      registers → who does what with him, what is next, what is missing, what clashes
    shapes      what a picture is made of
    view        registers → picture
    viewers     what of it each role may see
    tables      registers → rows, and when each source was last heard and read to its end
    visibility  who stands in what relation to a case
    reference   the case reference as people type it
    queries     what callers ask
"""
