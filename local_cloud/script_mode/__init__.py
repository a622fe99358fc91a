"""What happens inside AWS's managed framework containers: the user's script is fetched, and run or imported.

Packages are this environment's: ``requirements.txt`` is not installed. Only ``.py`` scripts and shell commands are run, not
installable packages with a ``setup.py`` of their own.

References
----------
.. [1] aws/sagemaker-training-toolkit 4.8.0, ``entry_point.py``, ``environment.py``, "ENVIRONMENT_VARIABLES.md".
.. [2] aws/sagemaker-scikit-learn-container, ``serving.py``; aws/sagemaker-containers 2.8.6, ``_server.py``, ``_worker.py``,
   ``_transformer.py``.
"""
