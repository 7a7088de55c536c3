"""Training (paper, section 3.3 and appendix B): examples in, a checkpoint out.

    build/training/bin/python -m drp.training.worker_main JOBFOLDER OUTFOLDER

`settings`, `job` and `errors` are for everybody; all else needs torch and runs in the training environment.
"""
