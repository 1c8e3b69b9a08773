"""Storage of the runs of a study: a folder that survives whatever happens to its writer."""
