collect_ignore_glob = ["*_program.py", "*toy_script.py", "*cdk_app.py"]  # what tests run, not tests
