"""The sections of a report, one file each, in the order of the page.

====================  ============================================================================
``head``              the question, how much was run, and warnings
``answer``            what each measure is, what moves it most, and how far
``design``            what was varied, measured and run
``found``             tables of results
``certainty``         how certain it is: sampling variation, pairing, replications
``failures``          what failed, and what is undefined
``limits``            what the figures do not show
``reproduce``         how to reproduce the figures, and where they come from
``parts``             their building blocks: tables, figures, and figures in words
====================  ============================================================================

A section provides words and tables; ``templates/report.html`` places them.
"""
