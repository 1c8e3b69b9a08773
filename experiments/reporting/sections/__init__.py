"""The sections of a report, one file each, in the order of the page.

====================  ============================================================================
``head``              what was asked, how much was run, and warnings
``answer``            what each measure is, what moves it most, and how far
``design``            what was varied, measured and run
``found``             the tables of what was found
``certainty``         how sure it is: luck, pairing, replications
``failures``          what failed, and what is undefined
``limits``            what the figures do not say
``reproduce``         how to get the same figures again, and where they come from
``parts``             what they are made of: tables, figures, and figures in words
====================  ============================================================================

A section gives words and tables; ``templates/report.html`` says where they stand.
"""
