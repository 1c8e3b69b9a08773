"""Where the runs of a study are kept: a folder that survives whatever happens to its writer."""
