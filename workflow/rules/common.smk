# The config, checked once, and the answers that rules ask for.
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError

# Jobs find the package beside this file, installed or not.
PACKAGE = Path(str(workflow.current_basedir)).parent
sys.path.insert(0, str(PACKAGE))

from landloom.errors import InputError
from landloom.orchestration import (
    class_sources,
    config_files,
    judging,
    shares,
    trained_models,
)
from landloom.orchestration.dag import Dag
from landloom.orchestration.freshness import Freshness
from landloom.orchestration.job_path import put_on_path
from landloom.orchestration.resources import spare_cores
from landloom.runtime import gpus

put_on_path(PACKAGE)
try:
    config_files.require_unique(map(Path, workflow.configfiles))
    dag = Dag(config, workflow.overwrite_configfiles)
    dag.require_files()
    patterns = dag.patterns()
except InputError as error:
    raise WorkflowError(str(error)) from None

# Long lists reach a stage through files, written by the process that runs the job: no other needs them.
dag.lists.running = lambda: workflow.executor_plugin is not None and not workflow.dryrun

# Snakemake's own memory stays behind when results are copied; their records do not.
freshness = Freshness(workflow, dag.config.dataset)

# How jobs run is no parameter of a rule, since it changes no result: jobs find it in their environment.
dag.config.run.publish()

# On one machine the number of its GPUs is the limit of the jobs that use one; on a cluster the scheduler counts.
if (
    workflow.nodes is None
    and "gpu" not in workflow.global_resources
    and (devices := gpus.visible())
):
    workflow.register_resource("gpu", len(devices))


# Cores that few shards of tiles leave free. On a cluster a job asks for what its own process finds when it parses this
# again, so for one: srun refuses a step with more than the job was given.
cores = workflow.resource_settings.cores if workflow.nodes is None else None
tiling_threads = spare_cores(len(dag.parts), cores)

# A prefix of our own replaces Snakemake's strict mode, so it is said again: without it a stage that fails before
# `| tee` counts as done. A stop signal goes to the whole job; the stage answers it, while the shell and tee live on.
shell.prefix("set -euo pipefail; trap '' TERM USR1; ")


wildcard_constraints:
    dataset=patterns["dataset"],
    scene=patterns["scene"],
    generator=patterns["generator"],
    network=patterns["network"],
    drawn=patterns["drawn"],
    canvas=patterns["canvas"],
    shard=patterns["shard"],
    seed=patterns["seed"],
    ratio=patterns["ratio"],
