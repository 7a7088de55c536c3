"""Parts of benchmarks.planted_faults: sources of sound revisions, and one module for each kind of fault."""
