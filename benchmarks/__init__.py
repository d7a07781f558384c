"""hfver measured beside hf, dvc and gto: one process after another on one machine, in one run."""
