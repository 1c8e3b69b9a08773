"""What the model is about, besides its people: ideas, queues, terms, platforms, weeks."""
