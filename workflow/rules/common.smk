# The config, checked once, and the answers that rules ask for.
import os
import sys
from pathlib import Path

# Jobs find the package beside this file, installed or not.
PACKAGE = Path(str(workflow.current_basedir)).parent
sys.path.insert(0, str(PACKAGE))
os.environ["PYTHONPATH"] = os.pathsep.join([str(PACKAGE), *filter(None, [os.environ.get("PYTHONPATH")])])

from landloom.dag import Dag, memory, minutes
from landloom.errors import InputError

try:
    dag = Dag(config)
    wildcard_constraints: **dag.patterns()
except InputError as error:
    raise WorkflowError(str(error)) from None
