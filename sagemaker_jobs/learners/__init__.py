"""What learns: one learner per name of `training.estimator`, all behind one interface."""
