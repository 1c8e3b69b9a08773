"""Profiles: an organisation described by a few answers, and every world that fits them.

====================  ============================================================================
``questions``         the questionnaire: what is asked, and what stays unknown
``writing``           the questionnaire as a file to fill in
``answers``           the file of answers, read and checked
``fitting``           from answers to a calibration, and to worlds that count alike
``folder``            the folder of a profile, which other commands take
``ranking``           what each strategy does in every world
``losses``            headlines, what ideas die of, and maturity, in every world
``information``       what is worth finding out first
``profile``           ``profile``, which brings everything together
``beside``            it in a process of its own
``page``              the page
``words``             the texts of questionnaire and page
``coverage``          whether the sets hold the truth as often as they say
====================  ============================================================================
"""
