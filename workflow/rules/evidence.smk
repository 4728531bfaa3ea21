# The target `evidence`: the whole run with each share of labels, and what they tell together. The jobs of all shares
# are those of the other rules, with another `dataset`.
rule evidence:
    input:
        gains=freshness.first(shares.tables(dag, "gain")),
        summaries=shares.tables(dag, "summary"),
    output:
        gain=report(
            f"results/{dag.config.dataset}/evidence/gain.csv",
            caption="../report/evidence.rst",
            category="Does it help?",
        ),
        picture=report(
            f"results/{dag.config.dataset}/evidence/gain.png",
            caption="../report/evidence.rst",
            category="Does it help?",
        ),
    log:
        f"logs/{dag.config.dataset}/evidence.log",
    benchmark:
        f"logs/{dag.config.dataset}/evidence.tsv"
    threads: 1
    resources:
        mem_mb=dag.memory("evidence"),
        runtime=dag.minutes("evidence"),
    params:
        config=dag.section("evidence"),
        gains=dag.lists.of("gains"),
        summaries=dag.lists.of("summaries"),
        version=dag.version("evidence"),
    message:
        "Comparing the shares of labels"
    shell:
        "python -m landloom evidence --config {params.config:q} --gains {params.gains} "
        "--summaries {params.summaries} --gain {output.gain:q} --picture {output.picture:q} "
        "2>&1 | tee {log:q}"
