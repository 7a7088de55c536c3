"""Which examples a student is fine-tuned on: the corpus, and the controls that it has to beat."""
