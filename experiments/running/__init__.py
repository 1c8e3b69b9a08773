"""Running a study: chunks of runs on threads, processes or a Dask cluster."""
