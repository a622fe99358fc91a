"""Files that are answered whole: rows to records, answers to a file of predictions, and what is captured of both."""
