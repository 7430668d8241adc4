"""``python -m tmc_syncer`` is the command `tmc`.

For places where the environment's scripts are not on the path.
"""

from tmc_syncer.cli.main import main

if __name__ == "__main__":
    main()
