"""Methods of agents, translated into functions of the compiled engine."""
