import os

from affekt.workers import QUIET

# Ray reads most of these once, when it is first imported, which the modules of this package do.
os.environ.update(QUIET)
os.environ.update(
    RAY_AIR_NEW_OUTPUT="0",
    RAY_CHDIR_TO_TRIAL_DIR="0",
    TUNE_DISABLE_AUTO_CALLBACK_LOGGERS="1",
    TUNE_DISABLE_SIGINT_HANDLER="1",
)
