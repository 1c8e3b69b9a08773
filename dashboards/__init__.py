"""The live view of the model."""
