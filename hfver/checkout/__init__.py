"""Bringing the content of an output into the work tree.

    scan      what stands in the output's place now: names, stat, links
    compare   scan against the wanted files: what is right, what to write, what to remove, what nobody else has
    (obtain)  ``hfver.sources``: everything to be written is verified and in DVC's cache before anything changes
    apply     per file a temporary name and a rename; removals last

Any prefix of apply is harmless: what was there is in the cache, what is new is whole, and running again continues.
"""
