// lesionseg batch as a Nextflow workflow: one task for each shard, then one summary. See docs/pipelines.md.
//
//   nextflow run scripts/pipelines/main.nf --inputs SCANS --output OUT --shards 4 --options '--device cpu' [-resume]
//
// A task that fails or is killed goes on where it stopped: each shard has its ledger in OUT/shards, which is why
// tasks write there and not into Nextflow's work folder. OUT must be on a file system that all nodes see.
nextflow.enable.dsl = 2

params.inputs = null
params.output = null
params.shards = 1
params.options = ''

process SHARD {
    tag "${number}/${params.shards}"

    input:
    val number
    val inputs
    val output

    output:
    val number

    script:
    // 0: all scans done; 3: all scans done or explained, and some failed, which the index page lists first
    """
    code=0
    lesionseg batch ${inputs} --output '${output}' --shard ${number}/${params.shards} \\
        --threads ${task.cpus} ${params.options} || code=\$?
    [ \$code -eq 0 ] || [ \$code -eq 3 ]
    """
}

process MERGE {
    input:
    val numbers
    val output

    output:
    path 'merged.json'

    script:
    """
    code=0
    lesionseg batch-merge '${output}' --json > merged.json || code=\$?
    [ \$code -eq 0 ] || [ \$code -eq 3 ]
    """
}

workflow {
    if (!params.inputs || !params.output) {
        error 'say --inputs SCANS and --output OUT'
    }
    // several inputs are parted by commas
    inputs = params.inputs.toString().tokenize(',').collect { "'${file(it).toAbsolutePath()}'" }.join(' ')
    output = file(params.output).toAbsolutePath().toString()
    SHARD(Channel.of(1..(params.shards as Integer)), inputs, output)
    MERGE(SHARD.out.collect(), output)
}
