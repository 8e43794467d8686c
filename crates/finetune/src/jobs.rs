//! Runs at the same time: how many go well, and what they share.

use std::num::NonZeroUsize;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::error::FinetuneError;
use crate::plan::RunKey;
use crate::progress::{Progress, RunPlan};
use crate::record::{RunLog, RunRecord};
use crate::study::Study;
use crate::training::Step;

/// What a run holds of each parameter: its value now and at the start, its gradient, two moments; 4 bytes each.
const BYTES_A_PARAMETER: usize = 20;
/// What the runs that are in work may hold of their parameters, all of them together.
const ROOM: usize = 1 << 30;

impl Study {
    /// How many runs to have in work at the same time on the CPU: one a thread, as long as parameters, gradients and
    /// optimizers of all of them fit into 1 GiB.
    ///
    /// Two threads on two runs share nothing and wait for nothing; on one run they wait for each other at every
    /// operation, the more so the smaller the model.
    pub fn suited_jobs(&self) -> NonZeroUsize {
        suited_jobs(
            self.model().config.num_params(),
            rayon::current_num_threads(),
        )
    }

    /// Works through the missing runs, each on its share of the threads, and gives the file of records back.
    pub(crate) fn work_through<P: Progress + Send>(
        &self,
        missing: Vec<RunKey>,
        log: RunLog,
        progress: &mut P,
    ) -> Result<RunLog, FinetuneError> {
        let jobs = self.jobs().min(missing.len());
        let shared = Shared(Mutex::new(Desk {
            missing: missing.into_iter(),
            log,
            progress,
            end: None,
        }));
        let work = || {
            while let Some(run) = shared.next() {
                let ended = self.run_one(&run, jobs, &shared);
                shared.take(ended);
            }
        };
        if jobs <= 1 {
            work();
        } else {
            let pools = shares(rayon::current_num_threads(), jobs)
                .map(|threads| {
                    let pool = ThreadPoolBuilder::new().num_threads(threads).build();
                    pool.map_err(|source| FinetuneError::Threads { threads, source })
                })
                .collect::<Result<Vec<ThreadPool>, _>>()?;
            std::thread::scope(|scope| {
                for pool in &pools {
                    scope.spawn(|| pool.install(work));
                }
            });
        }
        shared.end()
    }
}

fn suited_jobs(params: usize, threads: usize) -> NonZeroUsize {
    let jobs = (ROOM / (params * BYTES_A_PARAMETER)).min(threads);
    NonZeroUsize::new(jobs).unwrap_or(NonZeroUsize::MIN)
}

/// How many threads each job gets: all of them together, and each at least one.
fn shares(threads: usize, jobs: usize) -> impl Iterator<Item = usize> {
    (0..jobs).map(move |job| (threads / jobs + usize::from(job < threads % jobs)).max(1))
}

/// The desk of a study, for one job at a time.
pub(crate) struct Shared<'a, P>(Mutex<Desk<'a, P>>);

/// What is still to be run, who watches, and where the records go.
struct Desk<'a, P> {
    missing: std::vec::IntoIter<RunKey>,
    log: RunLog,
    progress: &'a mut P,
    /// Why no run is begun or goes on.
    end: Option<FinetuneError>,
}

impl<P: Progress> Desk<'_, P> {
    /// Asks whether to go on.
    fn goes_on(&mut self) -> bool {
        if self.end.is_none() && self.progress.should_stop() {
            self.end = Some(FinetuneError::Stopped);
        }
        self.end.is_none()
    }
}

impl<'a, P: Progress> Shared<'a, P> {
    fn desk(&self) -> MutexGuard<'_, Desk<'a, P>> {
        // A job that panicked ends the study when all have ended; what the others do until then is whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next run, if there is one and none is to be the last.
    fn next(&self) -> Option<RunKey> {
        let mut desk = self.desk();
        if desk.missing.as_slice().is_empty() || !desk.goes_on() {
            return None;
        }
        desk.missing.next()
    }

    /// Records a run that ended; the first error ends all.
    fn take(&self, ended: Result<RunRecord, FinetuneError>) {
        let mut desk = self.desk();
        let Desk {
            log, progress, end, ..
        } = &mut *desk;
        match ended.and_then(|record| log.push(record)) {
            Ok(record) => progress.run_finished(record),
            Err(error) => {
                end.get_or_insert(error);
            }
        }
    }

    fn end(self) -> Result<RunLog, FinetuneError> {
        let desk = self.0.into_inner().unwrap_or_else(PoisonError::into_inner);
        desk.end.map_or(Ok(desk.log), Err)
    }

    pub(crate) fn run_started(&self, plan: &RunPlan) {
        self.desk().progress.run_started(plan);
    }

    /// # Errors
    /// [`FinetuneError::Stopped`] if the run is not to go on.
    pub(crate) fn step(&self, run: &RunKey, step: &Step) -> Result<(), FinetuneError> {
        let mut desk = self.desk();
        desk.progress.step(run, step);
        match desk.goes_on() {
            true => Ok(()),
            false => Err(FinetuneError::Stopped),
        }
    }

    pub(crate) fn epoch(&self, run: &RunKey, epoch: usize, dev_accuracy: f64) {
        self.desk().progress.epoch(run, epoch, dev_accuracy);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_models_run_one_a_thread_and_large_ones_in_turn() {
        let jobs = |params, threads| suited_jobs(params, threads).get();
        let [bundled, minilm, bert_base] = [2_700_000, 22_700_000, 110_000_000];
        assert_eq!(jobs(bundled, 2), 2);
        assert_eq!(jobs(bundled, 12), 12);
        assert_eq!(jobs(bundled, 64), 19);
        assert_eq!([jobs(minilm, 1), jobs(minilm, 16)], [1, 2]);
        assert_eq!(jobs(bert_base, 16), 1);
    }

    #[test]
    fn no_thread_is_left_without_work() {
        let shares = |threads, jobs| shares(threads, jobs).collect::<Vec<_>>();
        assert_eq!(shares(7, 3), [3, 2, 2]);
        assert_eq!(shares(16, 2), [8, 8]);
        assert_eq!(shares(2, 3), [1, 1, 1]);
    }
}
