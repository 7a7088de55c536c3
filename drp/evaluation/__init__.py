"""How good a student is, how long it thinks, and how sure that is (paper, section 4)."""
