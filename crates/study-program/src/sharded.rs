//! A shard of a study from its options to its records.

use std::fmt::Write as _;
use std::path::Path;

use finetune::{Session, ShardRuns};
use harmless::shown;
use program::{Failure, print, print_json};
use serde::Serialize;
use study::Shard;
use tasks::counted;

use crate::conductor::{Conductor, PARTS, Stage};
use crate::sentences::Subject;

/// What a shard leaves, for `--json`.
#[derive(Serialize)]
struct Done {
    shard: String,
    /// Those of the study.
    pairs: usize,
    runs: usize,
    recorded: usize,
    failed: usize,
    file: String,
}

impl Conductor<'_> {
    /// Trains the runs of a shard that are missing, and says where they are and how to merge them.
    pub(crate) fn train_shard(
        &self,
        stage: &Stage,
        session: Session,
        out: &Path,
        subject: &Subject,
        shard: Shard,
    ) -> Result<(), Failure> {
        let (session, mut terminal) = self.prepared(stage, session, out, subject)?;
        let done = session.run_shard(out, shard, &mut terminal);
        let done = done.map_err(|error| self.ended(error, out))?;
        drop(terminal);
        let file = out.join(shard.file_name()).display().to_string();
        if self.arguments.json {
            return print_json(&Done {
                shard: shard.to_string(),
                pairs: done.pairs,
                runs: done.runs,
                recorded: done.recorded,
                failed: done.failed,
                file,
            });
        }
        let mut text = format!("shard    {shard}: {}\n", in_words(&done));
        if done.runs > 0 {
            let merge = self.program.command_instead(&PARTS, &["--merge"]);
            let _ = writeln!(text, "runs     {}", shown(&file));
            let _ = writeln!(text, "merge    {merge}");
        }
        print(&text)
    }
}

fn in_words(done: &ShardRuns) -> String {
    let ShardRuns {
        pairs,
        runs,
        recorded,
        failed,
    } = done;
    match (runs, failed) {
        (0, _) => format!(
            "nothing to do, the study has {} of runs",
            counted(*pairs, "pair")
        ),
        (_, 0) => format!("{recorded} of {} recorded", counted(*runs, "run")),
        _ => format!(
            "{recorded} of {} recorded, {failed} of them failed",
            counted(*runs, "run")
        ),
    }
}
