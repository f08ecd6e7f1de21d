# One run at a time in this folder; workflow/run.py says how.

import fcntl


onstart:
    # A job on a cluster starts Snakemake again in this folder, but with --no-hooks: the run alone takes the lock.
    # `make` holds the lock for us; a bare run takes it, so that `make` never takes a live run for a dead one.
    if not os.environ.get("PERSPECTIVES_LOCK_HELD"):
        run_lock = open(".snakemake/run.lock", "w")
        try:
            fcntl.flock(run_lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise WorkflowError(
                "Another run is active in this folder; it was left alone. Try again when it has ended."
            )
