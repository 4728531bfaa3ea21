rule check:
    input:
        dag.rasters,
        dag.whole.given,
    output:
        "results/{dataset}/check.json",
    log:
        "logs/{dataset}/check.log",
    localrule: True
    params:
        config=dag.section("check"),
        data=dag.section("data"),
        tile=dag.section("tile"),
        base=dag.section("base"),
        segment=dag.section("segment"),
        detect=lambda wildcards: judging.detect_option(dag),
        caption=dag.section("caption"),
        features=dag.section("features"),
        mix=dag.mixes,
        generators=dag.generators,
        pairs=dag.pairs,
        whole=dag.whole.check_words,
        version=dag.version("check"),
    message:
        "Checking the config, rasters and model of {wildcards.dataset}"
    shell:
        "python -m landloom check --config {params.config:q} --data {params.data:q} "
        "--tile {params.tile:q} --base {params.base:q} --segment {params.segment:q} {params.detect} {params.whole} "
        "--caption {params.caption:q} --features {params.features:q} --mix {params.mix:q} "
        "--generator {params.generators} --pairs {params.pairs} --out {output:q} 2>&1 | tee {log:q}"
