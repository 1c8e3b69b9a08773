"""Calibration: which parameters can have given published figures, and what those leave open.

====================  ============================================================================
``file``              the calibration file: parameters, targets, method
``calibration``       ``calibrate``, which puts all together
``history_matching``  one method: what cannot have given the targets is ruled out, in waves
``rejection``         the other: draws from the priors, of which the nearest are kept (ABC)
``emulation``         stand-ins for the model, and the space that they leave open
``identification``    what the targets tell of each parameter
``simulator``         the model as it is run for a calibration
``evaluator``         runs, kept and set against the targets
``fit``               what a method hands over
``result``            what was found: tables, sentences, a fitted scenario
``folder``            where runs and results are kept
``published``         figures of a run that are published
``command``           the command
====================  ============================================================================
"""
