"""Calibration: which parameters could have produced published figures, and what stays open.

====================  ============================================================================
``file``              the calibration file: parameters, targets, method
``calibration``       ``calibrate``, which brings everything together
``history_matching``  one method: rules out, in waves, what cannot have produced the targets
``rejection``         the other: draws from the priors and keeps the nearest draws (ABC)
``emulation``         emulators of the model, and the space that they leave open
``identification``    what the targets identify
``simulator``         the model as it is run for a calibration
``evaluator``         runs, stored and compared with the targets
``fit``               the outcome of a method
``result``            the results: tables, sentences, a fitted scenario
``folder``            where runs and results are kept
``published``         published figures that a run can be compared with
``worlds``            the accepted points as scenarios
``confirming``        those of them that fresh seeds confirm, as worlds of a preset
``command``           the command
====================  ============================================================================
"""
