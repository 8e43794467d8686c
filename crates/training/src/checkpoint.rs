//! A stepper's state on disk, from which it continues bit for bit.

use std::fmt::Display;
use std::fs::File;
use std::io::Read;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param, ParamId};
use burn::optim::OptimizerRecord;
use burn::store::{ModuleRecord, RecordError};
use burn::tensor::{Bool, Int, Tensor};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::loss_scale::LossScale;
use crate::moments;
use crate::stepper::Stepper;
use crate::update::Update;

/// The files of a stepper's state in the folder of a checkpoint, in Burn's format: the parameters, and the optimizer's
/// state of each.
pub const STATE_FILES: [&str; 2] = [PARAMETERS, MOMENTS];

const PARAMETERS: &str = "parameters.bpk";
const MOMENTS: &str = "moments.bpk";

/// A file of a stepper's state cannot be written or used.
#[derive(Debug, Error)]
#[error("{}: {reason}", path.display())]
pub struct StateError {
    /// The file.
    pub path: PathBuf,
    /// What Burn or the operating system reports.
    pub reason: String,
}

/// The part of a stepper's state that is neither parameters nor optimizer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Counters {
    /// Optimizer steps taken, including skipped ones.
    pub steps: usize,
    /// Steps that the loss scale skipped.
    pub skipped: usize,
    /// Batches that went through the model.
    pub passes: usize,
    /// The loss scale with its own counters.
    pub loss_scale: LossScale,
}

/// A stepper's state as it was read from disk.
pub struct StepperState<M> {
    pub(crate) model: M,
    pub(crate) moments: OptimizerRecord,
    pub(crate) counters: Counters,
}

impl<M: Module, U: Update<M>> Stepper<M, U> {
    /// Writes parameters and optimizer state to [`STATE_FILES`] of a folder, and returns the rest of the state. When it
    /// returns, the files have reached the disk.
    ///
    /// # Errors
    /// [`StateError`].
    pub fn write(&mut self, folder: &Path) -> Result<Counters, StateError> {
        write_parameters(self.model(), &folder.join(PARAMETERS))?;
        let moments = self.optimizer().to_record();
        let path = folder.join(MOMENTS);
        synced(&path, moments.save(&path))?;
        Ok(self.counters())
    }
}

/// Writes the parameters of a module to a file in Burn's format. When it returns, the file has reached the disk.
///
/// # Errors
/// [`StateError`].
pub fn write_parameters<M: Module>(module: &M, path: &Path) -> Result<(), StateError> {
    synced(path, module.clone().valid().into_record().save(path))
}

/// Reads what [`write_parameters`] wrote, for a module of the same shape; `module` gives the structure alone.
///
/// # Errors
/// [`StateError`] if the file cannot be read or does not fit the module.
pub fn read_parameters<M: Module>(path: &Path, module: M) -> Result<M, StateError> {
    check_length(path)?;
    let read = || module.try_load_record(ModuleRecord::load(path)?);
    // Burn 0.22 panics at whole numbers in place of a parameter.
    let read = catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(|_| {
        let reason = "a tensor of another type than its parameter".to_owned();
        Err(RecordError::Validation(reason))
    });
    read.map_err(|e| StateError::of(path, e))
}

fn synced(path: &Path, saved: Result<(), RecordError>) -> Result<(), StateError> {
    saved.map_err(|e| StateError::of(path, e))?;
    let synced = File::options()
        .write(true)
        .open(path)
        .and_then(|file| file.sync_all());
    synced.map_err(|e| StateError::of(path, e))
}

impl StateError {
    pub(crate) fn of(path: &Path, reason: impl Display) -> Self {
        // Names of tensors in a damaged file are in it.
        let reason = reason.to_string().replace(char::is_control, " ");
        Self {
            path: path.to_path_buf(),
            reason,
        }
    }
}

/// Checks that a file is as long as its header says: Burn takes memory for the description before it reads it.
///
/// A header is a magic number, a version of 2 bytes, and the length of the description in 4 bytes, the lowest first.
pub(crate) fn check_length(path: &Path) -> Result<(), StateError> {
    let wrong = |e: std::io::Error| StateError::of(path, e);
    let mut file = File::open(path).map_err(wrong)?;
    let length = file.metadata().map_err(wrong)?.len();
    let mut header = [0; 10];
    file.read_exact(&mut header)
        .map_err(|_| StateError::of(path, format!("{length} bytes, the header alone needs 10")))?;
    let [.., a, b, c, d] = header;
    let announced = u64::from(u32::from_le_bytes([a, b, c, d]));
    match announced + 10 <= length {
        true => Ok(()),
        false => Err(StateError::of(
            path,
            format!("the header announces {announced} bytes of description, the file has {length}"),
        )),
    }
}

impl<M: Module> StepperState<M> {
    /// Reads what [`Stepper::write`] wrote, for a model of the same shape; `model` gives the structure alone.
    ///
    /// # Errors
    /// [`StateError`] if a file cannot be read, does not fit the model, or is not of this number of steps.
    pub fn read(folder: &Path, counters: Counters, model: M) -> Result<Self, StateError> {
        let model = read_parameters(&folder.join(PARAMETERS), model)?;
        let moments = moments::read(&folder.join(MOMENTS), &model, &counters)?;
        Ok(Self {
            model,
            moments,
            counters,
        })
    }

    /// A module of the same structure with the parameter ids of the stored one.
    ///
    /// The optimizer's state is kept by id, so a stored model keeps its ids. What refers to parameters of the model at
    /// the start by id has to know them under the same.
    #[must_use]
    pub fn with_same_ids(&self, module: M) -> M {
        let mut ids = Ids::default();
        self.model.visit(&mut ids);
        // From the end, so that the next one can be popped.
        ids.0.reverse();
        module.map(&mut ids)
    }
}

/// The ids of a module's parameters, in the order of the traversal.
#[derive(Default)]
struct Ids(Vec<ParamId>);

impl ModuleVisitor for Ids {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.0.push(param.id);
    }

    fn visit_int<const D: usize>(&mut self, param: &Param<Tensor<D, Int>>) {
        self.0.push(param.id);
    }

    fn visit_bool<const D: usize>(&mut self, param: &Param<Tensor<D, Bool>>) {
        self.0.push(param.id);
    }
}

impl ModuleMapper for Ids {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let (id, value, mapper) = param.consume();
        Param::from_mapped_value(self.0.pop().unwrap_or(id), value, mapper)
    }

    fn map_int<const D: usize>(&mut self, param: Param<Tensor<D, Int>>) -> Param<Tensor<D, Int>> {
        let (id, value, mapper) = param.consume();
        Param::from_mapped_value(self.0.pop().unwrap_or(id), value, mapper)
    }

    fn map_bool<const D: usize>(
        &mut self,
        param: Param<Tensor<D, Bool>>,
    ) -> Param<Tensor<D, Bool>> {
        let (id, value, mapper) = param.consume();
        Param::from_mapped_value(self.0.pop().unwrap_or(id), value, mapper)
    }
}
