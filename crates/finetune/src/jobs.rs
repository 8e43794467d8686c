//! Several runs at the same time: how many suit a machine, and what they share.

use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use files::FileError;
use rayon::{ThreadPool, ThreadPoolBuilder};

use study::plan::RunKey;
use study::record::{RunLog, RunRecord};

use crate::error::FinetuneError;
use crate::progress::{Progress, RunStart};
use crate::trainer::Step;

/// Bytes per parameter that a run holds: its value now and at the start, its gradient, two moments; 4 bytes each.
const BYTES_PER_PARAMETER: usize = 20;
/// Bytes that all runs in progress together may hold for their parameters.
const ROOM: usize = 1 << 30;

/// How many runs to train at the same time on the CPU, for a model of so many parameters.
pub(crate) fn suited(params: usize, threads: usize) -> NonZeroUsize {
    let jobs = (ROOM / (params * BYTES_PER_PARAMETER)).min(threads);
    NonZeroUsize::new(jobs).unwrap_or(NonZeroUsize::MIN)
}

/// Works through the missing runs with `train`, `jobs` at a time, each on its share of the threads, and returns the
/// log. `train` gets the number of its job, from 0. `recorded` is called with each record that is on disk.
pub(crate) fn work_through<P: Progress + Send>(
    jobs: usize,
    missing: Vec<RunKey>,
    log: RunLog,
    progress: &mut P,
    train: impl Fn(usize, &RunKey, &Shared<'_, P>) -> Result<RunRecord, FinetuneError> + Sync,
    recorded: impl Fn(&RunRecord) -> Result<(), FileError> + Sync,
) -> Result<RunLog, FinetuneError> {
    let shared = Shared(Mutex::new(Queue {
        missing: missing.into_iter(),
        log,
        progress,
        end: None,
    }));
    let work = |job| {
        while let Some(run) = shared.next() {
            let ended = train(job, &run, &shared);
            shared.record(ended, &recorded);
        }
    };
    let threads = shares(rayon::current_num_threads(), jobs.max(1));
    let pools = threads.map(pool).collect::<Result<Vec<_>, _>>()?;
    std::thread::scope(|scope| {
        for (job, pool) in pools.iter().enumerate() {
            let work = &work;
            scope.spawn(move || pool.install(|| work(job)));
        }
    });
    shared.end()
}

/// The threads of a job. Its work runs on one of them (`install`): from elsewhere, each parallel loop puts its caller to sleep and
/// wakes a thread, hundreds of times per step. And it has them for itself: a thread that waits in a loop begins whatever else it finds
/// in the pool, be it another training.
pub(crate) fn pool(threads: usize) -> Result<ThreadPool, FinetuneError> {
    let pool = ThreadPoolBuilder::new().num_threads(threads).build();
    pool.map_err(|source| FinetuneError::Threads { threads, source })
}

/// How many threads each job gets: all threads are used, and each job gets at least one.
fn shares(threads: usize, jobs: usize) -> impl Iterator<Item = usize> {
    (0..jobs).map(move |job| (threads / jobs + usize::from(job < threads % jobs)).max(1))
}

/// What the jobs of a study share; one job at a time has access.
pub(crate) struct Shared<'a, P>(Mutex<Queue<'a, P>>);

/// The remaining runs, the observer, and the log.
struct Queue<'a, P> {
    missing: std::vec::IntoIter<RunKey>,
    log: RunLog,
    progress: &'a mut P,
    /// Why the study ends early.
    end: Option<FinetuneError>,
}

impl<P: Progress> Queue<'_, P> {
    /// Asks whether to continue.
    fn goes_on(&mut self) -> bool {
        if self.end.is_none() && self.progress.should_stop() {
            self.end = Some(FinetuneError::Stopped);
        }
        self.end.is_none()
    }
}

impl<'a, P: Progress> Shared<'a, P> {
    fn lock(&self) -> MutexGuard<'_, Queue<'a, P>> {
        // A panic in a job ends the study once all jobs have ended; what the others complete until then is valid.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next run, unless none is left or the study is ending.
    fn next(&self) -> Option<RunKey> {
        let mut queue = self.lock();
        if queue.missing.as_slice().is_empty() || !queue.goes_on() {
            return None;
        }
        queue.missing.next()
    }

    /// Records a run that has ended; the first error ends the study.
    fn record(
        &self,
        ended: Result<RunRecord, FinetuneError>,
        recorded: impl Fn(&RunRecord) -> Result<(), FileError>,
    ) {
        let mut queue = self.lock();
        let Queue {
            log, progress, end, ..
        } = &mut *queue;
        let record = match ended.and_then(|record| Ok(log.push(record)?)) {
            Ok(record) => record,
            Err(error) => {
                // That a run could not write its checkpoint says more than that it was to stop.
                if matches!(end, None | Some(FinetuneError::Stopped)) {
                    *end = Some(error);
                }
                return;
            }
        };
        progress.run_finished(record);
        if let Err(error) = recorded(record) {
            end.get_or_insert(error.into());
        }
    }

    fn end(self) -> Result<RunLog, FinetuneError> {
        let queue = self.0.into_inner().unwrap_or_else(PoisonError::into_inner);
        queue.end.map_or(Ok(queue.log), Err)
    }

    pub(crate) fn run_started(&self, plan: &RunStart) {
        self.lock().progress.run_started(plan);
    }

    pub(crate) fn checkpoint_unusable(&self, path: &Path, reason: &str) {
        self.lock().progress.checkpoint_unusable(path, reason);
    }

    pub(crate) fn run_continues(&self, run: &RunKey, steps: usize) {
        self.lock().progress.run_continues(run, steps);
    }

    /// # Errors
    /// [`FinetuneError::Stopped`] if the run should not continue.
    pub(crate) fn step(&self, run: &RunKey, step: &Step) -> Result<(), FinetuneError> {
        self.lock().progress.step(run, step);
        self.go_on()
    }

    /// # Errors
    /// [`FinetuneError::Stopped`] if the study is ending.
    pub(crate) fn go_on(&self) -> Result<(), FinetuneError> {
        match self.lock().goes_on() {
            true => Ok(()),
            false => Err(FinetuneError::Stopped),
        }
    }

    pub(crate) fn epoch(&self, run: &RunKey, epoch: usize, score: f64) {
        self.lock().progress.epoch(run, epoch, score);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_models_run_one_per_thread_and_large_ones_in_turn() {
        let jobs = |params, threads| suited(params, threads).get();
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
