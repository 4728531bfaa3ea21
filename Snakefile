# Landloom: labelled training samples for remote-sensing segmentation.
# This file is a table of contents; rules live in workflow/rules, code in workflow/landloom.
from snakemake.utils import min_version

min_version("9.20")


# A config given on the command line stands alone; it is not laid over the default one.
if not workflow.overwrite_configfiles:

    configfile: "config/config.yaml"


report: "workflow/report/workflow.rst"


container: "docker://condaforge/miniforge3:25.3.1-0"


include: "workflow/rules/common.smk"
include: "workflow/rules/check.smk"
include: "workflow/rules/tile.smk"
include: "workflow/rules/ratios.smk"
include: "workflow/rules/caption.smk"
include: "workflow/rules/base.smk"
include: "workflow/rules/encode.smk"
include: "workflow/rules/features.smk"
include: "workflow/rules/label_train.smk"
include: "workflow/rules/plan.smk"
include: "workflow/rules/label_sample.smk"
include: "workflow/rules/image_train.smk"
include: "workflow/rules/image_sample.smk"
include: "workflow/rules/scene_mask.smk"
include: "workflow/rules/scene_sample.smk"
include: "workflow/rules/curate.smk"
include: "workflow/rules/mix.smk"
include: "workflow/rules/segment.smk"
include: "workflow/rules/detect.smk"
include: "workflow/rules/evaluate.smk"
include: "workflow/rules/detect_table.smk"
include: "workflow/rules/label_table.smk"
include: "workflow/rules/evidence.smk"
include: "workflow/rules/export.smk"
include: "workflow/rules/report.smk"
include: "workflow/rules/audit.smk"


# The check is no input of other rules: changing one number of it would then run everything again, and an
# `ancient` input whose rule has to run makes Snakemake skip missing outputs downstream of it.
onstart:
    dag.check(workflow)
    dag.check_cluster(workflow)


rule tile:
    input:
        expand(
            f"results/{dag.config.dataset}/tiles/{{scene}}.parquet",
            scene=dag.levels.shards,
        ),
    localrule: True
    message:
        "Done: all tiles"


rule label:
    input:
        dag.own(dag.all_shards("masks")),
    localrule: True
    message:
        "Done: all masks"


rule image:
    input:
        dag.own(dag.all_shards("pairs")),
    localrule: True
    message:
        "Done: all image-mask pairs"


rule scene_masks:
    input:
        dag.own(dag.whole.masks()),
    localrule: True
    message:
        "Done: all masks of whole scenes"


rule scene:
    input:
        dag.own(dag.whole.images()),
    localrule: True
    message:
        "Done: all images of whole scenes"


rule tables:
    input:
        dag.tables,
    localrule: True
    message:
        "Done: the tables that tell whether the samples help"


rule all:
    default_target: True
    input:
        dag.results(),
        f"results/{dag.config.dataset}/audit.json",
    localrule: True
    message:
        "Done: open {input[0]}/index.html"
