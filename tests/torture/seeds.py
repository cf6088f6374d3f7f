"""One seed for a run: SALLYPORT_SEED, or another one each time; it is printed, so that a run can be repeated."""
import os
import random


def of_run():
    """Kept in the environment: the run starts itself again inside its own namespace."""
    return int(os.environ.setdefault("SALLYPORT_SEED", str(random.SystemRandom().randrange(1, 1 << 20))))
