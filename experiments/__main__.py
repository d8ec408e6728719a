"""`python -m experiments` runs every experiment whose result is missing or of other code; `--list` says which."""

import sys

from experiments.harness import is_stale, load, main, names


def run_stale(arguments):
    """Run what is stale, one after the other.

    Parameters
    ----------
    arguments : list of str
        ``--list`` alone says what would run; all else is handed to each experiment.

    Returns
    -------
    status : int
        The first one that is not 0.
    """
    stale = [name for name in names() if is_stale(load(name))]
    if "--list" in arguments:
        print("\n".join(stale) if stale else "every result is of the code as it is")
        return 0
    for name in stale:
        print(f"== {name}", flush=True)
        if status := main(name, arguments):
            return status
    return 0


if __name__ == "__main__":
    sys.exit(run_stale(sys.argv[1:]))
