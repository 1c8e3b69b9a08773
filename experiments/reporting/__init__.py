"""The report of a study, and its pictures.

====================  ============================================================================
``report``            ``write_report``: the page as a whole
``templates``         its words and layout, section by section
``answer``            what each measure depends on, in sentences
``tables``            its tables
``study_file``        the study file as the page shows it
``pictures``          which pictures a study needs
``drawings``          how each kind of picture is drawn
``sheets``            the house style of pictures, and SVG for a page or a paper
``names``             what factors, levels and measures are called for people
``wording``           figures and counts in words
``documents``         the reports that stand among the documents
====================  ============================================================================
"""
