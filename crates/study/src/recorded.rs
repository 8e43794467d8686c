//! A study as its folder has it.

use std::path::Path;

use crate::config::StudyConfig;
use crate::error::StudyError;
use crate::record::{RunLog, RunRecord};
use crate::summary::StudySummary;

/// What the folder of a study says about it.
#[derive(Clone, Debug)]
pub struct RecordedStudy {
    /// What was asked.
    pub config: StudyConfig,
    /// Every recorded run.
    pub records: Vec<RunRecord>,
    /// What the runs say, computed from them; a `summary.json` in the folder is not read.
    pub summary: StudySummary,
}

impl RecordedStudy {
    /// Reads the configuration and the runs of a folder, and summarizes them.
    ///
    /// # Errors
    /// Those of [`StudyConfig::read`], [`RunLog::read`] and [`StudySummary::of`].
    pub fn read(folder: &Path) -> Result<Self, StudyError> {
        let config = StudyConfig::read(folder)?;
        let records = RunLog::read(folder)?;
        let summary = StudySummary::of(&config, &records, folder)?;
        Ok(Self {
            config,
            records,
            summary,
        })
    }
}
