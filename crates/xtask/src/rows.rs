//! What is timed: a model, with the same options for both programs.

/// One row of the table.
pub(crate) struct Row {
    /// Name on the command line and in the records.
    pub(crate) name: &'static str,
    /// Title in the table.
    pub(crate) title: &'static str,
    /// The checkpoint.
    pub(crate) model: Model,
    /// What is timed.
    pub(crate) timed: Timed,
    /// Options of `glue_sst2`.
    pub(crate) ours: &'static [&'static str],
    /// Options of the PyTorch script.
    pub(crate) theirs: &'static [&'static str],
}

/// What a row measures.
#[derive(Clone, Copy)]
pub(crate) enum Timed {
    /// This many training steps after a warm-up, by the program's own clock.
    Steps(usize),
    /// The process from start to end: reading, tokenizing, one epoch over this many sentences, evaluation.
    WholeTask(usize),
}

/// Which checkpoint a row trains.
pub(crate) enum Model {
    /// all-MiniLM-L6-v2 among the assets.
    MiniLm,
    /// Random weights with MiniLM's tokenizer: (layers, hidden size, heads).
    Random(usize, usize, usize),
}

/// Every row, the main one first.
pub(crate) static ROWS: [Row; 8] = [
    Row {
        name: "minilm",
        title: "6 × 384 (all-MiniLM-L6-v2), batch 32, padded to the longest",
        model: Model::MiniLm,
        timed: Timed::Steps(12),
        ours: &["--batch-size", "32", "--batching", "shuffled"],
        theirs: &["--batch-size", "32"],
    },
    Row {
        name: "minilm-packed",
        title: "the same batches, ours packed: no padding",
        model: Model::MiniLm,
        timed: Timed::Steps(24),
        ours: &["--batch-size", "32", "--batching", "packed"],
        theirs: &["--batch-size", "32"],
    },
    Row {
        name: "minilm-grouped",
        title: "the same, batches of similar length on both sides",
        model: Model::MiniLm,
        timed: Timed::Steps(30),
        ours: &["--batch-size", "32", "--batching", "bucketed"],
        theirs: &["--batch-size", "32", "--group-by-length"],
    },
    Row {
        name: "minilm-128",
        title: "6 × 384, batch 16, every sentence padded to 128",
        model: Model::MiniLm,
        timed: Timed::Steps(6),
        ours: &["--batch-size", "16", "--pad-to-max-length"],
        theirs: &["--batch-size", "16", "--pad", "max"],
    },
    Row {
        name: "tiny",
        title: "2 × 128 (BERT-tiny's size), batch 32",
        model: Model::Random(2, 128, 2),
        timed: Timed::Steps(60),
        ours: &["--batch-size", "32", "--batching", "shuffled"],
        theirs: &["--batch-size", "32"],
    },
    Row {
        name: "base",
        title: "12 × 768 (BERT-base's size), batch 8 × 64 tokens",
        model: Model::Random(12, 768, 12),
        timed: Timed::Steps(4),
        ours: &[
            "--batch-size",
            "8",
            "--max-length",
            "64",
            "--pad-to-max-length",
        ],
        theirs: &["--batch-size", "8", "--max-length", "64", "--pad", "max"],
    },
    Row {
        name: "task",
        title: "the whole task: 8,192 sentences, one epoch, tokenizing and evaluation included; ours packed, PyTorch's default random batches",
        model: Model::MiniLm,
        timed: Timed::WholeTask(8192),
        ours: &["--batching", "packed"],
        theirs: &[],
    },
    Row {
        name: "task-grouped",
        title: "the same, PyTorch with `--group-by-length`",
        model: Model::MiniLm,
        timed: Timed::WholeTask(8192),
        ours: &["--batching", "packed"],
        theirs: &["--group-by-length"],
    },
];
